#include "pending.h"

#include <stdlib.h>
#include <string.h>

mfxStatus tr_mfx_pending_keep(struct tr_mfx_pending *pending, const struct tr_mfx_pending *from)
{
	if (pending->number)
		return MFX_ERR_MORE_BITSTREAM;
	uint8_t *copy = malloc(from->size + 1);
	if (!copy)
		return MFX_ERR_MEMORY_ALLOC;
	memcpy(copy, from->data, from->size);
	*pending = *from;
	pending->data = copy;
	return MFX_ERR_NONE;
}

mfxStatus tr_mfx_pending_give(const struct tr_mfx_pending *pending)
{
	mfxBitstream *packet = pending->packet;

	if (packet->DataOffset + packet->DataLength + pending->size > packet->MaxLength)
		return MFX_ERR_NOT_ENOUGH_BUFFER;
	memcpy(packet->Data + packet->DataOffset + packet->DataLength, pending->data,
		pending->size);
	packet->DataLength += pending->size;
	packet->TimeStamp = pending->time;
	packet->DecodeTimeStamp = (mfxI64)pending->time;
	packet->FrameType = pending->is_idr
				    ? MFX_FRAMETYPE_I | MFX_FRAMETYPE_IDR | MFX_FRAMETYPE_REF
				    : MFX_FRAMETYPE_P | MFX_FRAMETYPE_REF;
	packet->PicStruct = MFX_PICSTRUCT_PROGRESSIVE;
	return MFX_ERR_NONE;
}

void tr_mfx_pending_forget(struct tr_mfx_pending *pending)
{
	free(pending->data);
	*pending = (struct tr_mfx_pending){0};
}
