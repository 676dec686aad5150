/* What the test objects need, without any header of a system. */
#ifndef CORE_H
#define CORE_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))
#define noinline __attribute__((noinline))

#define field_info(field, kind) __builtin_preserve_field_info(field, kind)
#define byte_offset(field) field_info(field, 0)
#define byte_size(field) field_info(field, 1)
#define field_exists(field) field_info(field, 2)
#define field_signed(field) field_info(field, 3)
#define field_lshift(field) field_info(field, 4)
#define field_rshift(field) field_info(field, 5)
#define field_of(type, member) (((type *)0)->member)

#define type_id_local(type) __builtin_btf_type_id(*(type *)0, 0)
#define type_id_target(type) __builtin_btf_type_id(*(type *)0, 1)
#define type_exists(type) __builtin_preserve_type_info(*(type *)0, 0)
#define type_size(type) __builtin_preserve_type_info(*(type *)0, 1)
#define type_matches(type) __builtin_preserve_type_info(*(type *)0, 2)

#define enumval_exists(type, value) __builtin_preserve_enum_value(*(type *)value, 0)
#define enumval_value(type, value) __builtin_preserve_enum_value(*(type *)value, 1)

extern volatile u64 out;
#define put(value) (out += (u64)(value))

#endif
