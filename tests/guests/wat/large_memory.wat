;; SPDX-License-Identifier: Apache-2.0
;; Has 512 MiB of memory, grows it by 500 MiB, and touches two pages.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 8192)
  (func (export "_start")
    (i32.store (i32.const 400000000) (i32.const 7))
    (drop (memory.grow (i32.const 8000)))
    (i32.store (i32.const 1000000000) (i32.const 1))
    (call $exit
      (i32.add (i32.load (i32.const 400000000))
        (i32.add (i32.load (i32.const 1000000000)) (i32.ne (memory.size) (i32.const 16192)))))))
