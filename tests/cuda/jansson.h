/* SPDX-License-Identifier: MIT */
/* What the readers use of jansson, for machines that lack it (json.c). Only tests/cuda/run puts
 * this folder before the system's. */
#ifndef JANSSON_H
#define JANSSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct json_t json_t;
typedef int64_t json_int_t;
typedef struct {
    int line, column, position;
    char text[160];
} json_error_t;

#define JSON_REJECT_DUPLICATES 1
#define JSON_COMPACT 2

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
struct json_t {
    enum json_kind kind;
    json_int_t whole; /* and booleans */
    double real;
    char *text;       /* of a string */
    char **keys;      /* of an object */
    json_t **list;
    size_t count;
};

json_t *json_loadb(const char *s, size_t size, size_t flags, json_error_t *why);
json_t *json_load_file(const char *path, size_t flags, json_error_t *why);
void json_decref(json_t *v);
json_t *json_object_get(const json_t *v, const char *key);
json_t *json_array_get(const json_t *v, size_t i);
size_t json_array_size(const json_t *v);
json_int_t json_integer_value(const json_t *v);
double json_number_value(const json_t *v);
const char *json_string_value(const json_t *v);

#define json_is_integer(v) ((v) && (v)->kind == JSON_INT)
#define json_is_number(v) ((v) && ((v)->kind == JSON_INT || (v)->kind == JSON_REAL))
#define json_is_boolean(v) ((v) && (v)->kind == JSON_BOOL)
#define json_is_true(v) ((v) && (v)->kind == JSON_BOOL && (v)->whole)
#define json_is_array(v) ((v) && (v)->kind == JSON_ARRAY)
#define json_is_object(v) ((v) && (v)->kind == JSON_OBJECT)
#define json_array_foreach(a, i, v)                                                               \
    for ((i) = 0; (i) < json_array_size(a) && ((v) = json_array_get(a, i), true); (i)++)
#define json_object_foreach(o, key, v)                                                            \
    for (size_t i_ = 0;                                                                           \
         (o) && i_ < (o)->count && ((key) = (o)->keys[i_], (v) = (o)->list[i_], true); i_++)

/* Declared for what is compiled and not linked: writing. */
json_t *json_object(void);
json_t *json_array(void);
json_t *json_integer(json_int_t x);
int json_array_append_new(json_t *list, json_t *v);
int json_object_set_new(json_t *o, const char *key, json_t *v);
json_t *json_pack(const char *fmt, ...);
char *json_dumps(const json_t *v, size_t flags);

#endif
