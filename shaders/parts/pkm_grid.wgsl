// Sums of pairs of sub-key scores, and how many of them reach a threshold. Uses scores, bias, dims,
// u0 (place of a list's first score) and the words of a list, which begin with v, sorted.

// Half of the largest float: sums stay finite. NaN counts as its negative.
const LARGEST = 1.7014117e38;

//#if MEMORY
fn loadWord(i: u32) -> u32 { return scratch[region + i]; }
fn storeWord(i: u32, word: u32) { scratch[region + i] = word; }
//#else
fn loadWord(i: u32) -> u32 { return held[i]; }
fn storeWord(i: u32, word: u32) { held[i] = word; }
//#end

fn score(at: u32) -> f32 {
  let s = scores[at];
  let nan = (bitcast<u32>(s) & 0x7fffffffu) > 0x7f800000u;
  return select(clamp(s, -LARGEST, LARGEST), -LARGEST, nan);
}

fn sumOf(i1: u32, i2: u32, u: f32) -> f32 {
  //#if BIASED
  return min(u + score(u0 + dims.m1 + i2) + bias[i1 * dims.m2 + i2], 2.0 * LARGEST);
  //#else
  return u + score(u0 + dims.m1 + i2);
  //#end
}

// Second numbers that the first number i1 may stand with.
fn width(i1: u32) -> u32 { return min(dims.m2, dims.latents - i1 * dims.m2); }

// Latents of i1 that reach the threshold; known to be between least and most.
fn count(i1: u32, threshold: f32, least: u32, most: u32) -> u32 {
  let u = score(u0 + i1);
  //#if !BIASED
  if (width(i1) == dims.m2) {
    var low = least;
    var high = most;
    while (low < high) {
      let middle = (low + high) / 2u;
      let reaches = u + bitcast<f32>(loadWord(middle)) >= threshold;
      low = select(low, middle + 1u, reaches);
      high = select(middle, high, reaches);
    }
    return low;
  }
  //#end
  var n = 0u;
  for (var i2 = 0u; i2 < width(i1) && n < most; i2++) {
    n += select(0u, 1u, sumOf(i1, i2, u) >= threshold);
  }
  return n;
}

// Bits of which the order as integers is that of the floats, and back.
fn ordered(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}
fn unordered(bits: u32) -> f32 {
  return bitcast<f32>(select(~bits, bits & 0x7fffffffu, bits >= 0x80000000u));
}

fn meet() {
  //#if MEMORY
  storageBarrier();
  //#end
  workgroupBarrier();
}

// Puts v in order, the largest first: a bitonic network.
fn sortSeconds(local: u32) {
  for (var i = local; i < {{SORT}}u; i += {{GROUP}}u) {
    var v = -LARGEST;
    if (i < dims.m2) { v = score(u0 + dims.m1 + i); }
    storeWord(i, bitcast<u32>(v));
  }
  meet();
  for (var size = 2u; size <= {{SORT}}u; size *= 2u) {
    for (var apart = size / 2u; apart > 0u; apart /= 2u) {
      for (var c = local; c < {{SORT / 2}}u; c += {{GROUP}}u) {
        let i = 2u * c - (c & (apart - 1u));
        let a = bitcast<f32>(loadWord(i));
        let b = bitcast<f32>(loadWord(i + apart));
        let falls = (i & size) == 0u;
        storeWord(i, bitcast<u32>(select(min(a, b), max(a, b), falls)));
        storeWord(i + apart, bitcast<u32>(select(max(a, b), min(a, b), falls)));
      }
      meet();
    }
  }
}
