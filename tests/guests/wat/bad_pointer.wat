;; SPDX-License-Identifier: Apache-2.0
;; Hands fd_write, fd_read, poll_oneoff and others pointers beyond the memory's end. Each must
;; answer EFAULT (21). Exits 0 when all do; else with the number of the first call that does not.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  ;; At 0: an iovec whose buffer starts inside and ends outside. At 8: one that wraps around 2^32.
  (data (i32.const 0) "\f0\ff\00\00\00\01\00\00" "\f0\ff\ff\ff\20\00\00\00")
  (func $expect_efault (param $which i32) (param $errno i32)
    (if (i32.ne (local.get $errno) (i32.const 21))
      (then (call $proc_exit (local.get $which)))))
  (func (export "_start")
    ;; 1: the list of iovecs lies outside.
    (call $expect_efault (i32.const 1)
      (call $fd_write (i32.const 1) (i32.const 70000) (i32.const 1) (i32.const 64)))
    ;; 2: a buffer crosses the end.
    (call $expect_efault (i32.const 2)
      (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
    ;; 3: a buffer wraps around the address space.
    (call $expect_efault (i32.const 3)
      (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 64)))
    ;; 4: the list of iovecs starts inside and ends outside.
    (call $expect_efault (i32.const 4)
      (call $fd_write (i32.const 1) (i32.const 65528) (i32.const 2) (i32.const 64)))
    ;; 5: fd_read into a buffer that crosses the end.
    (call $expect_efault (i32.const 5)
      (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64)))
    ;; 6: poll_oneoff's subscriptions lie outside.
    (call $expect_efault (i32.const 6)
      (call $poll_oneoff (i32.const 65530) (i32.const 128) (i32.const 1) (i32.const 64)))
    ;; 7: random_get's buffer crosses the end.
    (call $expect_efault (i32.const 7)
      (call $random_get (i32.const 65530) (i32.const 100)))
    ;; 8: the result of clock_time_get crosses the end.
    (call $expect_efault (i32.const 8)
      (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 65532)))
    ;; 9: a result pointer just at the end.
    (call $expect_efault (i32.const 9)
      (call $args_sizes_get (i32.const 65536) (i32.const 0)))))
