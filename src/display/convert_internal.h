/* BT.709 limited range in 15-bit fixed point: what both variants compute with. */
#ifndef TR_DISPLAY_CONVERT_INTERNAL_H
#define TR_DISPLAY_CONVERT_INTERNAL_H

#define YR 5983 /* 0.2126 * 219/255 * 32768 */
#define YG 20127
#define YB 2032
#define UR (-3298) /* of the mean of four pixels; the sum of four is shifted by two more */
#define UG (-11094)
#define UB 14392
#define VR 14392
#define VG (-13073)
#define VB (-1319)
#define Y_SHIFT 15
#define UV_SHIFT 17
#define Y_BIAS ((16 << Y_SHIFT) + (1 << (Y_SHIFT - 1)))
#define UV_BIAS ((128 << UV_SHIFT) + (1 << (UV_SHIFT - 1)))

#endif
