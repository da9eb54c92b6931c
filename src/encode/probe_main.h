/* telerec-encoder --probe: what this machine can encode with, as JSON on standard output. */
#ifndef TR_ENCODE_PROBE_MAIN_H
#define TR_ENCODE_PROBE_MAIN_H

/* The arguments behind "--probe": --self-test, --size WxH (of its pictures), --timeout MS (for
 * all),
 * --silent MS (without a word from it, a driver hangs; 5000). The
 * program's exit code: 0, also when nothing but software works; 2 for other words. */
int tr_probe_main_run(int argc, char **argv);

#endif
