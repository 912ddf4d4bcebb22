// SPDX-License-Identifier: Apache-2.0
// Stands before Verilator's header of the same name (-iquote), with other functions for toggles.
// Those of Verilator 5.49 run past the 32 bits of a word in a wide signal: they count bits that
// did not change, and let the compiler drop what follows, other counters included. They also
// visit every bit of a signal of which one has changed, which takes most of the simulation's time.

#include_next "verilated_cov.h"

#ifndef SAT_VERILATED_COV_H_
#define SAT_VERILATED_COV_H_

#include <bit>

// Counters of bit i: 2i for 1 to 0, 2i + 1 for 0 to 1. Above its `width` a value may hold anything.
template <typename Word>
inline void sat_count_toggles(int width, uint32_t* counters, Word now, Word before) {
  Word changed = now ^ before;
  if (width < static_cast<int>(8 * sizeof(Word))) changed &= (Word{1} << width) - 1;
  for (; changed; changed &= changed - 1) {
    const int bit = std::countr_zero(changed);
    ++counters[2 * bit + (now >> bit & 1)];
  }
}

inline void sat_count_toggles_narrow(int width, uint32_t* counters, IData now, IData before) {
  sat_count_toggles<IData>(width, counters, now, before);
}

inline void sat_count_toggles_double(int width, uint32_t* counters, QData now, QData before) {
  sat_count_toggles<QData>(width, counters, now, before);
}

inline void sat_count_toggles_wide(int width, uint32_t* counters, WDataInP now, WDataInP before) {
  for (int word = 0; word < VL_WORDS_I(width); ++word) {
    sat_count_toggles<EData>(width - VL_EDATASIZE * word, counters + 2 * VL_EDATASIZE * word,
                             now[word], before[word]);
  }
}

#define VL_COV_TOGGLE_CHG_ST_I sat_count_toggles_narrow
#define VL_COV_TOGGLE_CHG_ST_Q sat_count_toggles_double
#define VL_COV_TOGGLE_CHG_ST_W sat_count_toggles_wide

#endif  // SAT_VERILATED_COV_H_
