;; SPDX-License-Identifier: Apache-2.0
;; The bytes of poll_oneoff: one subscription of 48 bytes, one event of 32. Exits with 0 when all of
;; them are as specified, else with the number of the check.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func $check (param $holds i32) (param $number i32)
    (if (i32.eqz (local.get $holds)) (then (call $proc_exit (local.get $number)))))
  (func (export "_start")
    (i64.store (i32.const 0) (i64.const 0x1122334455667788))  ;; userdata
    (i32.store8 (i32.const 8) (i32.const 0))                  ;; a clock
    (i32.store (i32.const 16) (i32.const 1))                  ;; the monotonic one
    (i64.store (i32.const 24) (i64.const 1000000))            ;; 1 ms, relative
    (i64.store (i32.const 96) (i64.const -1))
    (call $check (i32.eqz (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
      (i32.const 1))
    (call $check (i32.eq (i32.load (i32.const 128)) (i32.const 1)) (i32.const 2))
    (call $check (i64.eq (i64.load (i32.const 64)) (i64.const 0x1122334455667788)) (i32.const 3))
    (call $check (i32.eqz (i32.load16_u (i32.const 72))) (i32.const 4))   ;; error
    (call $check (i32.eqz (i32.load8_u (i32.const 74))) (i32.const 5))    ;; type
    ;; Nothing behind the one event was touched.
    (call $check (i64.eq (i64.load (i32.const 96)) (i64.const -1)) (i32.const 6))))
