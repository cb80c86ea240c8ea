/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of <string.h> that the compilers, libfdt and the parsers here need, for programs
 * without a C library. Compiled with -fno-builtin (and gcc's -fno-tree-loop-distribute-patterns),
 * or the compiler would turn the loops into calls to the very functions they are in.
 *
 * They run before the MMU is on too. Memory is Device memory then, and faults at every access
 * that is not aligned (Arm ARM DDI 0487, "Alignment of data accesses") and at DC ZVA: so all
 * accesses here are aligned to their size, and none touches a byte outside of what the caller
 * named.
 */
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "copy_shifted() shifts as little-endian words need it"
#endif

typedef uint64_t __attribute__((may_alias)) word_t;

#define WORD        sizeof(word_t)
#define BLOCK_WORDS 8 /* 64 bytes: a cache line, four pairs of ldp and stp */

/* Below this, finding out about alignment costs more than it saves. */
#define SMALL 16

static size_t to_border(const unsigned char *p)
{
	return (size_t) - (uintptr_t)p % WORD;
}

/*
 * Copies words upwards; returns how many bytes. All loads of a block come before its stores, so
 * that memmove() may use it when `to` is below `from`, however close.
 */
static size_t copy_words(unsigned char *to, const unsigned char *from, size_t size)
{
	word_t *t = (word_t *)(void *)to;
	const word_t *f = (const word_t *)(const void *)from;
	size_t words = size / WORD;

	for (; words >= BLOCK_WORDS; words -= BLOCK_WORDS) {
		word_t w0 = f[0], w1 = f[1], w2 = f[2], w3 = f[3];
		word_t w4 = f[4], w5 = f[5], w6 = f[6], w7 = f[7];
		t[0] = w0, t[1] = w1, t[2] = w2, t[3] = w3;
		t[4] = w4, t[5] = w5, t[6] = w6, t[7] = w7;
		t += BLOCK_WORDS;
		f += BLOCK_WORDS;
	}
	while (words-- > 0) {
		*t++ = *f++;
	}
	return size / WORD * WORD;
}

/*
 * The same for a `from` that is not aligned while `to` is: each word is put together from two
 * aligned ones. The word below `from` belongs to the source too, the caller has copied it; the
 * word above the last one used does not, so the loop stops before it.
 */
static size_t copy_shifted(unsigned char *to, const unsigned char *from, size_t size)
{
	size_t skew = (uintptr_t)from % WORD;
	word_t *t = (word_t *)(void *)to;
	const word_t *f = (const word_t *)(const void *)(from - skew);
	word_t lower = *f++;
	size_t copied = 0;

	for (; size - copied >= 2 * WORD - skew; copied += WORD) {
		word_t upper = *f++;
		*t++ = lower >> (8 * skew) | upper << (64 - 8 * skew);
		lower = upper;
	}
	return copied;
}

static void copy_up(unsigned char *to, const unsigned char *from, size_t size)
{
	if (size >= 2 * SMALL) {
		/* WORD bytes more than alignment asks for, for copy_shifted()'s first word. */
		size_t head = to_border(to) + WORD;
		size -= head;
		while (head-- > 0) {
			*to++ = *from++;
		}
		size_t copied = (uintptr_t)from % WORD == 0 ? copy_words(to, from, size)
							    : copy_shifted(to, from, size);
		to += copied;
		from += copied;
		size -= copied;
	}
	while (size-- > 0) {
		*to++ = *from++;
	}
}

/* `to` and `from` are the ends here. */
static void copy_down(unsigned char *to, const unsigned char *from, size_t size)
{
	if (size >= SMALL && ((uintptr_t)to - (uintptr_t)from) % WORD == 0) {
		for (; (uintptr_t)to % WORD != 0; size--) {
			*--to = *--from;
		}
		for (; size >= WORD; size -= WORD) {
			to -= WORD;
			from -= WORD;
			*(word_t *)(void *)to = *(const word_t *)(const void *)from;
		}
	}
	while (size-- > 0) {
		*--to = *--from;
	}
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	/* Pages and structs are aligned: no head to copy for them. */
	if (((uintptr_t)to | (uintptr_t)from) % WORD == 0) {
		size_t copied = copy_words(to, from, size);
		unsigned char *t = (unsigned char *)to + copied;
		const unsigned char *f = (const unsigned char *)from + copied;
		for (size -= copied; size > 0; size--) {
			*t++ = *f++;
		}
	} else {
		copy_up(to, from, size);
	}
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;
	if ((uintptr_t)t - (uintptr_t)f >= size) {
		copy_up(t, f, size); /* below the source, or clear of it */
	} else {
		copy_down(t + size, f + size, size);
	}
	return to;
}

static size_t set_words(unsigned char *to, word_t word, size_t size)
{
	word_t *t = (word_t *)(void *)to;
	size_t words = size / WORD;

	for (; words >= BLOCK_WORDS; words -= BLOCK_WORDS) {
		t[0] = word, t[1] = word, t[2] = word, t[3] = word;
		t[4] = word, t[5] = word, t[6] = word, t[7] = word;
		t += BLOCK_WORDS;
	}
	while (words-- > 0) {
		*t++ = word;
	}
	return size / WORD * WORD;
}

void *memset(void *to, int value, size_t size)
{
	unsigned char *t = to;
	unsigned char byte = (unsigned char)value;
	if (size >= SMALL) {
		for (; (uintptr_t)t % WORD != 0; size--) {
			*t++ = byte;
		}
		size_t set = set_words(t, byte * UINT64_C(0x0101010101010101), size);
		t += set;
		size -= set;
	}
	while (size-- > 0) {
		*t++ = byte;
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a;
	const unsigned char *y = b;
	for (; size > 0; size--, x++, y++) {
		if (*x != *y) {
			return *x - *y;
		}
	}
	return 0;
}

void *memchr(const void *memory, int value, size_t size)
{
	const unsigned char *p = memory;
	for (; size > 0; size--, p++) {
		if (*p == (unsigned char)value) {
			return (void *)(uintptr_t)p;
		}
	}
	return NULL;
}

size_t strlen(const char *string)
{
	const char *end = string;
	while (*end != '\0') {
		end++;
	}
	return (size_t)(end - string);
}

size_t strnlen(const char *string, size_t max)
{
	size_t length = 0;
	while (length < max && string[length] != '\0') {
		length++;
	}
	return length;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max > 0; max--, a++, b++) {
		if (*a != *b) {
			return (unsigned char)*a - (unsigned char)*b;
		}
		if (*a == '\0') {
			break;
		}
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *string, int value)
{
	for (; *string != (char)value; string++) {
		if (*string == '\0') {
			return NULL;
		}
	}
	return (char *)(uintptr_t)string;
}

char *strrchr(const char *string, int value)
{
	const char *found = NULL;
	do {
		if (*string == (char)value) {
			found = string;
		}
	} while (*string++ != '\0');
	return (char *)(uintptr_t)found;
}
