;; SPDX-License-Identifier: Apache-2.0
;; Prints the guest paths of its preopened directories (descriptors 3, 4, ...), one on a line.
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get"
    (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name"
    (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: prestat (tag, name length). 16: an iovec. 32: bytes written. 64: the name.
  (func (export "_start") (local $fd i32) (local $length i32)
    (local.set $fd (i32.const 3))
    (block $done
      (loop $next
        (br_if $done (call $fd_prestat_get (local.get $fd) (i32.const 0)))
        (local.set $length (i32.load (i32.const 4)))
        (if (call $fd_prestat_dir_name (local.get $fd) (i32.const 64) (local.get $length))
          (then unreachable))
        (i32.store8 (i32.add (i32.const 64) (local.get $length)) (i32.const 10))
        (i32.store (i32.const 16) (i32.const 64))
        (i32.store (i32.const 20) (i32.add (local.get $length) (i32.const 1)))
        (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))
        (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
        (br $next)))))
