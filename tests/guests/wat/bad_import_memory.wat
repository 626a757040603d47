;; SPDX-License-Identifier: Apache-2.0
;; Imports a memory. WASI guests bring their own.
(module
  (import "env" "memory" (memory 1))
  (func (export "_start")))
