#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT_BITS 16
#define GENERATION_BITS 12

static uint32_t free_slot(struct tr_va *va)
{
	for (uint32_t i = 0; i < va->slot_count; i++)
		if (!va->slots[i])
			return i;
	uint32_t count = va->slot_count ? va->slot_count * 2 : 64;
	if (count > 1U << SLOT_BITS)
		return UINT32_MAX;
	struct tr_va_object **slots = realloc(va->slots, count * sizeof(struct tr_va_object *));
	if (!slots)
		return UINT32_MAX;
	memset(slots + va->slot_count, 0, (count - va->slot_count) * sizeof(struct tr_va_object *));
	uint32_t first = va->slot_count;
	va->slots = slots;
	va->slot_count = count;
	return first;
}

void *tr_va_object_new(struct tr_va *va, enum tr_va_kind kind, size_t size)
{
	uint32_t slot = free_slot(va);
	struct tr_va_object *object = slot == UINT32_MAX ? NULL : calloc(1, size);

	if (!object)
		return NULL;
	va->generation = (va->generation + 1) & ((1U << GENERATION_BITS) - 1);
	object->kind = kind;
	object->refs = 1;
	object->id = (uint32_t)kind << (SLOT_BITS + GENERATION_BITS) | va->generation << SLOT_BITS |
		     slot;
	va->slots[slot] = object;
	return object;
}

void *tr_va_object_find(struct tr_va *va, enum tr_va_kind kind, uint32_t id)
{
	uint32_t slot = id & ((1U << SLOT_BITS) - 1);

	if (slot >= va->slot_count || !va->slots[slot])
		return NULL;
	struct tr_va_object *object = va->slots[slot];
	return object->id == id && object->kind == kind ? object : NULL;
}

void *tr_va_object_keep(void *object)
{
	((struct tr_va_object *)object)->refs++;
	return object;
}

static void free_context(struct tr_va_context *context)
{
	if (context->session_fd >= 0)
		close(context->session_fd);
	tr_va_job_free(context->job);
	free(context);
}

void tr_va_object_drop(void *pointer)
{
	struct tr_va_object *object = pointer;

	if (!object || --object->refs > 0)
		return;
	switch (object->kind) {
	case TR_VA_CONTEXT:
		free_context(pointer);
		break;
	case TR_VA_SURFACE:
		tr_va_surface_free(pointer);
		break;
	case TR_VA_BUFFER:
		tr_va_buffer_free(pointer);
		break;
	case TR_VA_CONFIG:
	case TR_VA_IMAGE:
		free(pointer);
		break;
	}
}

void tr_va_object_remove(struct tr_va *va, void *pointer)
{
	struct tr_va_object *object = pointer;

	va->slots[object->id & ((1U << SLOT_BITS) - 1)] = NULL;
	object->id = 0;
	tr_va_object_drop(object);
}

unsigned tr_va_object_count(const struct tr_va *va, enum tr_va_kind kind)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < va->slot_count; i++)
		count += va->slots[i] && va->slots[i]->kind == kind;
	return count;
}
