/*
 * What FFmpeg 7.1 never frees, for the address sanitizer: with each encoder of VAAPI the last picture
 * and what that holds (the display among it), and the driver's name when it looks for a device itself.
 * A process of ours that encodes by VAAPI has one track, and few encoders after one another.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:avcodec_send_frame\nleak:drmGetVersion\n";
}

/* Its libraries have no frame pointers to follow. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}
