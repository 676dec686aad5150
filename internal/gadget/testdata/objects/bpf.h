/* The few lines of libbpf that the test objects need. */
#define SEC(name)           __attribute__((section(name), used))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define NOTE(name)          const void *name __attribute__((unused));

typedef unsigned char __u8;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef _Bool bool;

enum { MAP_HASH = 1, MAP_RINGBUF = 27 };

char LICENSE[] SEC("license") = "GPL";
