#!/bin/sh
# Compiles the test objects again; CLANG names another compiler than clang-19.
set -eu
cd "$(dirname "$0")"
for src in *.bpf.c; do
	for end in el eb; do
		"${CLANG:-clang-19}" --target=bpf$end -O2 -g -mcpu=v3 -Wall -Werror -fno-ident \
			-Wno-unused-value -ffile-prefix-map="$PWD"=. -c "$src" -o "${src%.bpf.c}.$end.bpf.o"
		${STRIP:-llvm-strip-19} -g "${src%.bpf.c}.$end.bpf.o"
	done
done
