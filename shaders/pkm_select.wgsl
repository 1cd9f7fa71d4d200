// The k best latents of a row on the grid of two lists of sub-key scores: latent i1 * m2 + i2 has
// the score u[i1] + v[i2] (+ bias), ReLU, ties to the lowest latent, latents ascending in the list.
// Exact over all latents without making them. v is sorted; how many latents of i1 reach a threshold
// is then a binary search, and the threshold is found by bisection of its bits, for the i1 that can
// have any, each with the bracket of its count, so that searches get short. Last, what reaches the
// upper end of the threshold's bracket is written in order, and the first of what lies between its
// ends: after a full bisection these tie. One workgroup a list.
struct Dims {
  rows: u32,     // rows of this buffer of scores
  firstList: u32, // number of its first list
  stride: u32,   // floats of a row of scores
  heads: u32,    // lists of a row
  m1: u32,       // a row has the m1 scores u, then the m2 scores v, of each head
  m2: u32,
  latents: u32,  // i1 * m2 + i2 stays below
  capacity: u32, // entries of a list
  groups: u32,   // workgroups
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> step: array<u32>;
@group(0) @binding(4) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> entries: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> scratch: array<u32>;

// Bits of the smallest normal float: what does not reach it is no entry.
const LEAST = 0x00800000u;
// Bisections that find any threshold: 8 growing strides down from the top, 32 halvings.
const ROUNDS = 40u;
// Words of a list: v sorted; for each i1 that counts its bracket (least, most); i1 and a new count.
const BRACKET = {{SORT}}u;
const NUMBER = {{SORT + COUNTED}}u;

//#if !MEMORY
var<workgroup> held: array<u32, {{SORT + 2 * COUNTED}}>;
//#end
// Three counts that take turns, and the bits of the largest sum.
var<workgroup> totals: array<atomic<u32>, 4>;
var<workgroup> shares: array<vec2u, {{GROUP}}>;
var<private> region: u32;
var<private> u0: u32;

//#use pkm_grid

//#use pkm_write

@compute @workgroup_size({{GROUP}})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= dims.groups) { return; }
  region = group * {{SORT + 2 * COUNTED}}u;
  let share = (dims.m1 + {{GROUP - 1}}u) / {{GROUP}}u;
  let first = min(local * share, dims.m1);
  let end = min(first + share, dims.m1);
  for (var list = group; list < dims.rows * dims.heads; list += dims.groups) {
    let head = list % dims.heads;
    let wanted = {{TIMES}}u * step[{{K_WORD}}] + dims.heads - 1u - head;
    let k = min(wanted / dims.heads, dims.capacity);
    u0 = (list / dims.heads) * dims.stride + head * (dims.m1 + dims.m2);
    meet();
    if (local < 4u) { atomicStore(&totals[local], 0u); }
    sortSeconds(local);

    // No sum is above the largest u with the largest v; k sums reach the largest u with the k-th v.
    var top = -LARGEST;
    for (var i1 = first; i1 < end; i1++) {
      //#if BIASED
      for (var i2 = 0u; i2 < width(i1); i2++) { top = max(top, sumOf(i1, i2, score(u0 + i1))); }
      //#else
      if (width(i1) == dims.m2) { top = max(top, score(u0 + i1)); }
      //#end
    }
    atomicMax(&totals[3], ordered(top));
    meet();
    top = unordered(atomicLoad(&totals[3]));
    var low = LEAST;
    //#if !BIASED
    if (k > 0u && k <= dims.m2) {
      low = max(low, bitcast<u32>(max(top + bitcast<f32>(loadWord(k - 1u)), 0.0)));
    }
    let largest = max(top, score(u0 + dims.m1 - 1u));
    top = largest + bitcast<f32>(loadWord(0u));
    //#else
    let largest = 0.0;
    //#end
    var high = bitcast<u32>(max(top, 0.0)) + 1u;
    var mine = vec2u(0u);
    for (var i1 = first; i1 < end; i1++) {
      let n = count(i1, bitcast<f32>(low), 0u, dims.m2);
      storeWord(BRACKET + i1, n);
      mine += vec2u(min(n, 1u), n);
    }
    shares[local] = mine;
    workgroupBarrier();
    let sums = before(local);
    var place = NUMBER + sums.x;
    for (var i1 = first; i1 < end; i1++) {
      let n = loadWord(BRACKET + i1);
      if (n > 0u) {
        storeWord(place, (i1 << 16u) | n);
        place++;
      }
    }
    meet();
    let part = (sums.z + {{GROUP - 1}}u) / {{GROUP}}u;
    let begin = min(local * part, sums.z);
    let stop = min(begin + part, sums.z);
    for (var j = begin; j < stop; j++) { storeWord(BRACKET + j, loadWord(NUMBER + j) & 0xffffu); }
    // atLow latents reach the threshold with the bits low, atHigh < k that of high.
    var atLow = sums.w;
    var atHigh = 0u;
    var stride = 0x00800000u;
    for (var t = 0u; t < ROUNDS; t++) {
      let open = atLow > k && high - low > 1u;
      let middle = max(low + (high - low) / 2u, high - min(stride, high));
      var reached = 0u;
      for (var j = begin; open && j < stop; j++) {
        let bracket = loadWord(BRACKET + j);
        let i1 = loadWord(NUMBER + j) >> 16u;
        var n = bracket >> 16u;
        let most = bracket & 0xffffu;
        if (n < most) { n = count(i1, bitcast<f32>(middle), n, most); }
        storeWord(NUMBER + j, (i1 << 16u) | n);
        reached += n;
      }
      atomicAdd(&totals[t % 3u], reached);
      meet();
      reached = atomicLoad(&totals[t % 3u]);
      if (local == 0u) { atomicStore(&totals[(t + 2u) % 3u], 0u); }
      let enough = open && reached >= k;
      let tooFew = open && reached < k;
      for (var j = begin; open && j < stop; j++) {
        let bracket = loadWord(BRACKET + j);
        let n = loadWord(NUMBER + j) & 0xffffu;
        let raised = (n << 16u) | (bracket & 0xffffu);
        storeWord(BRACKET + j, select((bracket & 0xffff0000u) | n, raised, tooFew));
      }
      low = select(low, middle, enough);
      atLow = select(atLow, reached, enough);
      high = select(high, middle, tooFew);
      atHigh = select(atHigh, reached, tooFew);
      stride = select(stride, stride * 2u, tooFew && stride < 0x40000000u);
    }
    let bits = vec2u(low, high);
    let ties = k - min(k, atHigh);
    writeEntries(dims.firstList + list, local, vec2u(begin, stop), largest, bits, ties);
  }
}
