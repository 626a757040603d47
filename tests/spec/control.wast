;; SPDX-License-Identifier: Apache-2.0
;; Control: blocks with values, branches out of the depths, tables of branches, and what is not code.

(module
  (func $sum (export "sum") (param i32) (result i32) (local i32)
    (block (loop
      (br_if 1 (i32.eqz (local.get 0)))
      (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br 0)))
    (local.get 1))

  (func (export "loop_with_values") (param i32) (result i64)
    (i64.const 1) (local.get 0)
    (loop (param i64 i32) (result i64)
      (local.set 0)
      (i64.mul (i64.extend_i32_u (local.get 0)))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (i32.gt_u (local.get 0) (i32.const 1))
      (if (param i64) (result i64) (then (local.get 0) (br 1)))))

  (func (export "switch") (param i32) (result i32)
    (block $default (block $two (block $one (block $zero
      (br_table $zero $one $two $default (local.get 0)))
      (return (i32.const 100)))
      (return (i32.const 101)))
      (return (i32.const 102)))
    (i32.const -1))

  (func (export "switch_with_value") (param i32) (result i32)
    (block (result i32)
      (block (result i32)
        (br_table 0 1 0 (i32.const 40) (local.get 0)))
      (i32.add (i32.const 2))))

  (func (export "several") (param i32) (result i32 i64 f32)
    (if (result i32 i64 f32) (local.get 0)
      (then (i32.const 1) (i64.const 2) (f32.const 3))
      (else (i32.const 4) (i64.const 5) (f32.const 6))))

  (func (export "early") (param i32) (result i32)
    (block (block (block
      (br_if 0 (i32.eqz (local.get 0)))
      (return (i32.const 7)))
      (loop (br 2)))
      (unreachable))
    (i32.const 9))

  (func (export "leaves_operands") (result i32)
    (block (result i32)
      (i32.const 1) (i32.const 2) (i32.const 3)
      (br 0 (i32.const 42))))

  (func (export "dead") (param i32) (result i32)
    (return (local.get 0))
    (unreachable) (i32.add) (drop) (select))

  (func (export "select") (param i32) (result f64)
    (select (f64.const 1) (f64.const nan:0x42) (local.get 0)))

  (func (export "nested_if") (param i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then (if (result i32) (local.get 1) (then (i32.const 3)) (else (i32.const 2))))
      (else (if (result i32) (local.get 1) (then (i32.const 1)) (else (i32.const 0))))))

  (func (export "unreachable") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (unreachable)))
    (local.get 0))

  (func (export "loops_in_loops") (param i32) (result i32) (local i32 i32 i32)
    (loop $a
      (local.set 2 (i32.const 0))
      (loop $b
        (local.set 3 (i32.add (local.get 3) (i32.const 1)))
        (local.set 2 (i32.add (local.get 2) (i32.const 1)))
        (br_if $b (i32.lt_u (local.get 2) (local.get 0))))
      (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if $a (i32.lt_u (local.get 1) (local.get 0))))
    (local.get 3))
)

(assert_return (invoke "sum" (i32.const 0)) (i32.const 0))
(assert_return (invoke "sum" (i32.const 1000)) (i32.const 500500))
;; More fuel than a quantum has.
(assert_return (invoke "sum" (i32.const 100000)) (i32.const 705082704))
(assert_return (invoke "loop_with_values" (i32.const 5)) (i64.const 120))
(assert_return (invoke "switch" (i32.const 0)) (i32.const 100))
(assert_return (invoke "switch" (i32.const 2)) (i32.const 102))
(assert_return (invoke "switch" (i32.const 3)) (i32.const -1))
(assert_return (invoke "switch" (i32.const -1)) (i32.const -1))
(assert_return (invoke "switch_with_value" (i32.const 0)) (i32.const 42))
(assert_return (invoke "switch_with_value" (i32.const 1)) (i32.const 40))
(assert_return (invoke "switch_with_value" (i32.const 7)) (i32.const 42))
(assert_return (invoke "several" (i32.const 1)) (i32.const 1) (i64.const 2) (f32.const 3))
(assert_return (invoke "several" (i32.const 0)) (i32.const 4) (i64.const 5) (f32.const 6))
(assert_return (invoke "early" (i32.const 0)) (i32.const 9))
(assert_return (invoke "early" (i32.const 1)) (i32.const 7))
(assert_return (invoke "leaves_operands") (i32.const 42))
(assert_return (invoke "dead" (i32.const 11)) (i32.const 11))
(assert_return (invoke "select" (i32.const 1)) (f64.const 1))
(assert_return (invoke "select" (i32.const 0)) (f64.const nan:0x42))
(assert_return (invoke "nested_if" (i32.const 1) (i32.const 0)) (i32.const 2))
(assert_return (invoke "nested_if" (i32.const 0) (i32.const 1)) (i32.const 1))
(assert_trap (invoke "unreachable" (i32.const 0)) "unreachable")
(assert_return (invoke "unreachable" (i32.const 3)) (i32.const 3))
(assert_return (invoke "loops_in_loops" (i32.const 200)) (i32.const 40000))

(assert_invalid (module (func (result i32) (i64.const 1))) "type mismatch")
(assert_invalid (module (func (br 1))) "unknown label")
(assert_invalid (module (func (i32.add (i32.const 1)) drop)) "type mismatch")
(assert_invalid (module (func (local.get 0) drop)) "unknown local")
(assert_invalid (module (func (call 7))) "unknown function")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00") "unexpected end")
(assert_malformed (module binary "\00asm" "\02\00\00\00") "unknown binary version")
