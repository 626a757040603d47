;; SPDX-License-Identifier: Apache-2.0
;; Ends by a trap at once.
(module
  (memory (export "memory") 1)
  (func (export "_start") unreachable))
