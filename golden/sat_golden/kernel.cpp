// SPDX-License-Identifier: Apache-2.0
// Compiled twins of the golden model's hot loops: MATMUL's sums and epilogue, AFFINE, STATS.
//
// The numpy functions of multiply.py and feature.py say what is computed; these give the same bits
// (golden/tests/test_kernel.py). kernel.py compiles this file for the processor that it runs on, so
// that what a processor has is asked for with #if, and calls it. A vector runs along columns of the
// result: each sum is a lane, and sees its products in the order of the contract. The flags forbid
// contraction to FMA and reordering; kernel.py has them.
//
// Matrices are dense and row-major unless strides are given, in elements. Operands are valid: the
// callers have checked them.

#include <cfenv>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>
#if defined(__F16C__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#if FLT_EVAL_METHOD == 1 || FLT_EVAL_METHOD == 2 || defined(__FAST_MATH__)
#error "float operations must round to float, in order"
#endif

namespace {

using Half = uint16_t;

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64, TILE_ROWS = 8;  // 32 registers
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32, TILE_ROWS = 4;  // 16 registers
#else
constexpr int VECTOR_BYTES = 16, TILE_ROWS = 4;
#endif
constexpr int LANES = VECTOR_BYTES / 4;
typedef float Vector __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t Places __attribute__((vector_size(VECTOR_BYTES)));

constexpr int M_MAX = 16;        // of N:M
constexpr int BLOCK_DEPTH = 256;  // whole groups; a block of A and one of S fit the L2 cache
constexpr int BLOCK_ROWS = 128, BLOCK_COLS = 512;
constexpr int TILE_COLS = 2 * LANES;

// IEEE 754's default mode, and behind it the thread's own again: whoever called may round or flush
// otherwise.
class DefaultMode {
  fenv_t saved;

public:
  DefaultMode() {
    fegetenv(&saved);
    fesetenv(FE_DFL_ENV);
  }
  ~DefaultMode() { fesetenv(&saved); }
};

uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

constexpr uint32_t FP32_SIGN = 0x80000000, FP32_INF = 0x7F800000, FP32_NAN = 0x7FC00000;
constexpr Half FP16_INF = 0x7C00, FP16_NAN = 0x7E00;

// A NaN need not be canonical.
float to_float(Half half) {
  uint32_t magnitude = half & 0x7FFF;
  // With FP16's fraction and exponent in place of FP32's, the bias is 112 too small; for subnormals
  // too, as multiplying normalises.
  uint32_t value = bits_of(float_of(magnitude << 13) * 0x1p112f);
  value |= magnitude >= FP16_INF ? FP32_INF : 0;
  return float_of(value | uint32_t(half & 0x8000) << 16);
}

// To nearest even, NaN made canonical.
Half to_half(float value) {
  uint32_t bits = bits_of(value), magnitude = bits & ~FP32_SIGN;
  Half sign = bits >> 16 & 0x8000;
  // 0.5's last place is that of FP16's subnormals: the addition rounds to it.
  uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
  uint32_t normal = (magnitude - (112u << 23) + 0xFFF + (magnitude >> 13 & 1)) >> 13;
  uint32_t half = magnitude < 0x38800000 ? subnormal : normal;  // 2**-14
  half = magnitude >= 0x477FF000 ? FP16_INF : half;             // 65520 rounds to 2**16
  return magnitude > FP32_INF ? FP16_NAN : Half(half | sign);
}

void to_floats(const Half *half, float *value, ptrdiff_t count) {
  ptrdiff_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(value + i,
                     _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(half + i))));
#endif
  for (; i < count; ++i) value[i] = to_float(half[i]);
}

void to_halves(const float *value, Half *half, ptrdiff_t count) {
  ptrdiff_t i = 0;
#if defined(__F16C__)
  const __m128i inf = _mm_set1_epi16(FP16_INF), magnitude = _mm_set1_epi16(0x7FFF);
  for (; i + 8 <= count; i += 8) {
    __m128i bits = _mm256_cvtps_ph(_mm256_loadu_ps(value + i), _MM_FROUND_TO_NEAREST_INT);
    __m128i is_nan = _mm_cmpgt_epi16(_mm_and_si128(bits, magnitude), inf);
    bits = _mm_or_si128(_mm_andnot_si128(is_nan, bits),
                        _mm_and_si128(is_nan, _mm_set1_epi16(FP16_NAN)));
    _mm_storeu_si128((__m128i *)(half + i), bits);
  }
#endif
  for (; i < count; ++i) half[i] = to_half(value[i]);
}

// The elements [row][col] of operand A: a matrix, or windows over a map whose pixels are the rows
// of `data`. Then element [g][p*channels + c] is channel c of the pixel that window g sees at
// position p, +0 where that is outside or c beyond `width`.
struct Source {
  const Half *data;
  ptrdiff_t stride, width;   // of and in a row
  const int64_t *pixels;     // [positions][windows], negative: outside; null: a matrix
  ptrdiff_t windows, channels;

  // Elements [col, end) of a row as floats.
  void read(ptrdiff_t row, ptrdiff_t col, ptrdiff_t end, float *to) const {
    if (!pixels) return piece(row, col, end, to);
    for (ptrdiff_t position = col / channels; col < end; ++position) {
      ptrdiff_t first = position * channels;
      ptrdiff_t stop = end < first + channels ? end : first + channels;
      piece(pixels[position * windows + row], col - first, stop - first, to);
      to += stop - col;
      col = stop;
    }
  }

private:
  void piece(ptrdiff_t row, ptrdiff_t col, ptrdiff_t end, float *to) const {
    ptrdiff_t inside = row < 0 || col > width ? 0 : (end < width ? end : width) - col;
    if (inside) to_floats(data + row * stride + col, to, inside);
    memset(to + inside, 0, (end - col - inside) * sizeof(float));
  }
};

// For each lane the element of a group of at most 16 that its place names.
Vector pick(const float *group, Places place) {
#if defined(__AVX512F__)
  return (Vector)_mm512_permutexvar_ps((__m512i)place, _mm512_loadu_ps(group));
#elif defined(__AVX2__)
  __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(group), (__m256i)place);
  __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(group + 8), (__m256i)place);
  return (Vector)_mm256_blendv_ps(low, high, (__m256)_mm256_slli_epi32((__m256i)place, 28));
#else
  Vector picked;
  for (int lane = 0; lane < LANES; ++lane) picked[lane] = group[place[lane]];
  return picked;
#endif
}

// What a block multiplies: A as floats at i*row + k*step, S as floats and places [q][BLOCK_COLS].
struct Block {
  const float *a;
  ptrdiff_t row, step;
  const float *s;
  const int32_t *places;
  ptrdiff_t depth;  // rows of S
  int n, m;         // n == m: no places
};

template <class T> T load(const void *from) {
  T vector;
  memcpy(&vector, from, sizeof vector);
  return vector;
}

// Adds the block's products to TILE_ROWS x V vectors of sums at row i and column j, of which
// `rows` x `cols` are in `out`.
template <int V>
void tile(const Block &block, ptrdiff_t i, ptrdiff_t j, float *out, ptrdiff_t stride,
          ptrdiff_t rows, ptrdiff_t cols) {
  float edge[TILE_ROWS][V * LANES] = {};
  bool whole = rows == TILE_ROWS && cols == V * LANES;
  if (!whole)
    for (ptrdiff_t r = 0; r < rows; ++r) memcpy(edge[r], out + r * stride, cols * sizeof(float));
  float *sums = whole ? out : edge[0];
  ptrdiff_t pitch = whole ? stride : V * LANES;

  Vector acc[TILE_ROWS][V];
  for (int r = 0; r < TILE_ROWS; ++r)
    for (int v = 0; v < V; ++v) acc[r][v] = load<Vector>(sums + r * pitch + v * LANES);
  const float *a = block.a + i * block.row, *s = block.s + j;
  if (block.n == block.m) {
    for (ptrdiff_t k = 0; k < block.depth; ++k, a += block.step, s += BLOCK_COLS) {
      Vector weight[V];
      for (int v = 0; v < V; ++v) weight[v] = load<Vector>(s + v * LANES);
      for (int r = 0; r < TILE_ROWS; ++r)
        for (int v = 0; v < V; ++v) acc[r][v] += a[r * block.row] * weight[v];
    }
  } else {
    const int32_t *places = block.places + j;
    for (ptrdiff_t q = 0; q < block.depth; a += block.m)
      for (int kept = 0; kept < block.n; ++kept, ++q, s += BLOCK_COLS, places += BLOCK_COLS) {
        Vector weight[V];
        Places place[V];
        for (int v = 0; v < V; ++v) {
          weight[v] = load<Vector>(s + v * LANES);
          place[v] = load<Places>(places + v * LANES);
        }
        for (int r = 0; r < TILE_ROWS; ++r)
          for (int v = 0; v < V; ++v)
            acc[r][v] += pick(a + r * block.row, place[v]) * weight[v];
      }
  }
  for (int r = 0; r < TILE_ROWS; ++r)
    for (int v = 0; v < V; ++v) memcpy(sums + r * pitch + v * LANES, &acc[r][v], VECTOR_BYTES);
  if (!whole)
    for (ptrdiff_t r = 0; r < rows; ++r) memcpy(out + r * stride, edge[r], cols * sizeof(float));
}

ptrdiff_t least(ptrdiff_t x, ptrdiff_t y) { return x < y ? x : y; }

}  // namespace

extern "C" {

// out[rows][cols] += A.S, with A [rows][depth], or [depth][rows] with `a_trans`, in a Source;
// values and, if n < m, indices [Q][cols].
void sat_product(const Half *data, ptrdiff_t a_stride, ptrdiff_t width, const int64_t *pixels,
                 ptrdiff_t windows, ptrdiff_t channels, int a_trans, const Half *values,
                 const uint8_t *indices, int n, int m, ptrdiff_t rows, ptrdiff_t depth,
                 ptrdiff_t cols, float *out) {
  DefaultMode mode;
  const Source source = {data, a_stride, width, pixels, windows, channels};
  // A block of A is [k][i] where its rows are read so and nothing is picked along k, else [i][k]
  // with zeros behind each row, where the last group's picks may load. Rows of A beyond the last
  // are garbage: their sums go nowhere.
  const bool by_k = a_trans && !indices;
  constexpr ptrdiff_t ROW = BLOCK_DEPTH + M_MAX;
  std::vector<float> a(BLOCK_ROWS * ROW), line(BLOCK_ROWS);
  std::vector<float> s(BLOCK_DEPTH * BLOCK_COLS);
  std::vector<int32_t> places(indices ? s.size() : 0);
  for (ptrdiff_t j0 = 0; j0 < cols; j0 += BLOCK_COLS)
    for (ptrdiff_t k0 = 0; k0 < depth; k0 += BLOCK_DEPTH) {
      ptrdiff_t block_cols = least(BLOCK_COLS, cols - j0), ks = least(BLOCK_DEPTH, depth - k0);
      ptrdiff_t q0 = k0 / m * n, qs = n == m ? ks : (ks + m - 1) / m * n;
      for (ptrdiff_t q = 0; q < qs; ++q) {
        ptrdiff_t at = (q0 + q) * cols + j0;
        to_floats(values + at, &s[q * BLOCK_COLS], block_cols);
        if (indices)
          for (ptrdiff_t j = 0; j < block_cols; ++j)
            places[q * BLOCK_COLS + j] = indices[at + j] & (m - 1);
      }
      for (ptrdiff_t i0 = 0; i0 < rows; i0 += BLOCK_ROWS) {
        ptrdiff_t is = least(BLOCK_ROWS, rows - i0);
        for (ptrdiff_t k = 0; a_trans && k < ks; ++k) {
          source.read(k0 + k, i0, i0 + is, by_k ? &a[k * BLOCK_ROWS] : line.data());
          for (ptrdiff_t i = 0; !by_k && i < is; ++i) a[i * ROW + k] = line[i];
        }
        for (ptrdiff_t i = 0; !by_k && i < is; ++i) {
          if (!a_trans) source.read(i0 + i, k0, k0 + ks, &a[i * ROW]);
          memset(&a[i * ROW + ks], 0, M_MAX * sizeof(float));
        }
        const Block block = {a.data(), by_k ? 1 : ROW, by_k ? BLOCK_ROWS : 1, s.data(),
                             places.data(), qs, n, m};
        for (ptrdiff_t j = 0; j < block_cols; j += TILE_COLS)
          for (ptrdiff_t i = 0; i < is; i += TILE_ROWS) {
            ptrdiff_t tile_cols = least(TILE_COLS, block_cols - j);
            auto one = tile_cols <= LANES ? tile<1> : tile<2>;
            one(block, i, j, out + (i0 + i) * cols + j0 + j, cols, least(TILE_ROWS, is - i),
                tile_cols);
          }
      }
    }
}

// Sums [rows][cols] -> FP32 or FP16 in `out`; what is null is left out. `residual` has out's format.
void sat_epilogue(const float *sums, ptrdiff_t rows, ptrdiff_t cols, const float *bias,
                  const void *residual, int relu, const int16_t *mask, int out_fp32, void *out) {
  DefaultMode mode;
  std::vector<float> value(cols), added(cols);
  for (ptrdiff_t row = 0; row < rows; ++row) {
    ptrdiff_t at = row * cols;
    memcpy(value.data(), sums + at, cols * sizeof(float));
    if (bias)
      for (ptrdiff_t j = 0; j < cols; ++j) value[j] += bias[j];
    if (residual) {
      if (out_fp32)
        memcpy(added.data(), (const float *)residual + at, cols * sizeof(float));
      else
        to_floats((const Half *)residual + at, added.data(), cols);
      for (ptrdiff_t j = 0; j < cols; ++j) value[j] += added[j];
    }
    if (relu)  // a comparison with NaN fails
      for (ptrdiff_t j = 0; j < cols; ++j) value[j] = value[j] <= 0 ? 0.0f : value[j];
    if (mask)
      for (ptrdiff_t j = 0; j < cols; ++j) value[j] = mask[at + j] > 0 ? value[j] : 0.0f;
    if (out_fp32)
      for (ptrdiff_t j = 0; j < cols; ++j) {
        uint32_t bits = bits_of(value[j]);
        ((uint32_t *)out)[at + j] = (bits & ~FP32_SIGN) > FP32_INF ? FP32_NAN : bits;
      }
    else
      to_halves(value.data(), (Half *)out + at, cols);
  }
}

// alpha*X + gamma, or with y (else null) alpha*X + (beta*Y + gamma): x, y, out [rows][cols], the
// others [cols].
void sat_affine(const Half *x, const Half *y, ptrdiff_t rows, ptrdiff_t cols, const float *alpha,
                const float *beta, const float *gamma, int relu, Half *out) {
  DefaultMode mode;
  std::vector<float> value(cols), offset(gamma, gamma + cols);
  for (ptrdiff_t row = 0; row < rows; ++row, x += cols, out += cols) {
    if (y) {
      to_floats(y + row * cols, offset.data(), cols);
      for (ptrdiff_t j = 0; j < cols; ++j) offset[j] = beta[j] * offset[j] + gamma[j];
    }
    to_floats(x, value.data(), cols);
    for (ptrdiff_t j = 0; j < cols; ++j) value[j] = alpha[j] * value[j] + offset[j];
    if (relu)
      for (ptrdiff_t j = 0; j < cols; ++j) value[j] = value[j] <= 0 ? 0.0f : value[j];
    to_halves(value.data(), out, cols);
  }
}

// Exact sums over at most STATS_ROWS rows of x and of x*y: `sum` [cols] is in units of 2**-24,
// `high` and `low` [cols] in units of 2**-8 and 2**-48. Returns 0 where a term is not finite; the
// sums then mean nothing.
//
// A product fits a float. It is cut at 2**-8: the upper part is a multiple of that up to 2**32,
// the lower one a multiple of 2**-48 up to 2**-9, so that a double holds sums of 2**12 of either
// (52 and 51 bits), and of x (multiples of 2**-24 below 2**16: 52 bits), exactly.
int sat_stats(const Half *x, const Half *y, ptrdiff_t rows, ptrdiff_t cols, int64_t *sum,
              int64_t *high, int64_t *low) {
  DefaultMode mode;
  constexpr double CUT = 0x1.8p44;  // its last place is 2**-8
  std::vector<float> x_value(cols), y_value(cols);
  std::vector<double> sums(cols), highs(cols), lows(cols);
  for (ptrdiff_t row = 0; row < rows; ++row) {
    to_floats(x + row * cols, x_value.data(), cols);
    to_floats(y + row * cols, y_value.data(), cols);
    for (ptrdiff_t j = 0; j < cols; ++j) {
      double product = x_value[j] * y_value[j];
      double upper = product + CUT - CUT;
      sums[j] += x_value[j];
      highs[j] += upper;
      lows[j] += product - upper;
    }
  }
  for (ptrdiff_t j = 0; j < cols; ++j) {
    if (!(std::isfinite(sums[j]) && std::isfinite(lows[j]))) return 0;
    sum[j] = int64_t(sums[j] * 0x1p24);
    high[j] = int64_t(highs[j] * 0x1p8);
    low[j] = int64_t(lows[j] * 0x1p48);
  }
  return 1;
}

}  // extern "C"
