;; SPDX-License-Identifier: Apache-2.0
;; The smallest command there is: starts and ends.
(module
  (memory (export "memory") 1)
  (func (export "_start")))
