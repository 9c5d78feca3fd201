/* The string as a C program sees it: five packed headers, found by the flags byte in front of the text.
 *
 * This file follows the drawing in src/layout.rs, for the test that Rust and C read and write the same bytes.
 * It does not allocate: the caller provides the blocks. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma pack(push, 1)
struct header5  { uint8_t flags; char text[1]; };
struct header8  { uint8_t len;  uint8_t alloc;  uint8_t flags; char text[1]; };
struct header16 { uint16_t len; uint16_t alloc; uint8_t flags; char text[1]; };
struct header32 { uint32_t len; uint32_t alloc; uint8_t flags; char text[1]; };
struct header64 { uint64_t len; uint64_t alloc; uint8_t flags; char text[1]; };
#pragma pack(pop)

enum { TYPE_5, TYPE_8, TYPE_16, TYPE_32, TYPE_64, TYPE_MASK = 7, LEN_SHIFT = 3 };

#define HEADER(bits, s) ((struct header##bits *)((char *)(s) - offsetof(struct header##bits, text)))

#define EACH_WIDTH(DO) \
    case TYPE_8: DO(8); break; \
    case TYPE_16: DO(16); break; \
    case TYPE_32: DO(32); break; \
    case TYPE_64: DO(64); break;

size_t shim_header_len(int type) {
    size_t len = 0;
#define SIZE(bits) len = offsetof(struct header##bits, text)
    switch (type) { case TYPE_5: SIZE(5); break; EACH_WIDTH(SIZE) }
    return len;
}

int shim_type(const char *s) { return HEADER(5, s)->flags & TYPE_MASK; }

size_t shim_len(const char *s) {
    size_t len = 0;
#define LEN(bits) len = (size_t)HEADER(bits, s)->len
    switch (shim_type(s)) { case TYPE_5: len = HEADER(5, s)->flags >> LEN_SHIFT; break; EACH_WIDTH(LEN) }
    return len;
}

size_t shim_alloc(const char *s) {
    size_t alloc = 0;
#define ALLOC(bits) alloc = (size_t)HEADER(bits, s)->alloc
    switch (shim_type(s)) { case TYPE_5: alloc = shim_len(s); break; EACH_WIDTH(ALLOC) }
    return alloc;
}

void shim_set_len(char *s, size_t len) {
#define SET_LEN(bits) HEADER(bits, s)->len = (uint##bits##_t)len
    switch (shim_type(s)) {
        case TYPE_5: HEADER(5, s)->flags = (uint8_t)(TYPE_5 | len << LEN_SHIFT); break;
        EACH_WIDTH(SET_LEN)
    }
    s[len] = 0;
}

/* Appends as much of the text as there is room for. Returns the number of bytes that were appended. */
size_t shim_append(char *s, const char *text, size_t len) {
    size_t old_len = shim_len(s), room = shim_alloc(s) - old_len;
    if (len > room) len = room;
    memcpy(s + old_len, text, len);
    shim_set_len(s, old_len + len);
    return len;
}

/* Writes a string to a block of at least `header + alloc + 1` bytes. */
char *shim_lay(char *block, int type, const char *text, size_t len, size_t alloc) {
    char *s = block + shim_header_len(type);
#define LAY(bits) do { HEADER(bits, s)->alloc = (uint##bits##_t)alloc; HEADER(bits, s)->flags = TYPE_##bits; } while (0)
    switch (type) { case TYPE_5: HEADER(5, s)->flags = TYPE_5; break; EACH_WIDTH(LAY) }
    memcpy(s, text, len);
    shim_set_len(s, len);
    return s;
}
