;; SPDX-License-Identifier: Apache-2.0
;; Uses descriptors that are not open. Each call must answer EBADF (8). Exits like bad_pointer.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get"
    (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get"
    (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func $expect_ebadf (param $which i32) (param $errno i32)
    (if (i32.ne (local.get $errno) (i32.const 8))
      (then (call $proc_exit (local.get $which)))))
  (func (export "_start")
    (call $expect_ebadf (i32.const 1)
      (call $fd_write (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 64)))
    (call $expect_ebadf (i32.const 2) (call $fd_close (i32.const -1)))
    (call $expect_ebadf (i32.const 3) (call $fd_fdstat_get (i32.const 50) (i32.const 64)))
    (call $expect_ebadf (i32.const 4) (call $fd_prestat_get (i32.const 3) (i32.const 64)))
    ;; 5, 6: closing stdin works once.
    (if (call $fd_close (i32.const 0)) (then (call $proc_exit (i32.const 5))))
    (call $expect_ebadf (i32.const 6) (call $fd_close (i32.const 0)))))
