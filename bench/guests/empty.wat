;; SPDX-License-Identifier: Apache-2.0
;; Does nothing: what an instance costs.
(module
  (memory (export "memory") 1)
  (func (export "_start")))
