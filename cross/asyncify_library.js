// SPDX-License-Identifier: Apache-2.0
// Emscripten must know the four imports of scheduler/asyncify.h, which are gone once Asyncify has
// rewritten the module: nobody calls these.
mergeInto(LibraryManager.library, {
  start_unwind: function() {},
  stop_unwind: function() {},
  start_rewind: function() {},
  stop_rewind: function() {},
});
