// The end of pkm_select: from thresholds and counts to entries. Goes with pkm_grid, uses shares.

// What the threads before this one have in shares, and what all have.
fn before(local: u32) -> vec4u {
  var sum = vec2u(0u);
  var all = vec2u(0u);
  for (var i = 0u; i < {{GROUP}}u; i++) {
    sum += select(vec2u(0u), shares[i], i < local);
    all += shares[i];
  }
  return vec4u(sum, all);
}

// Lists the second numbers that can reach the threshold at all, in order; returns how many.
fn listSeconds(local: u32, largest: f32, threshold: f32) -> u32 {
  let share = (dims.m2 + {{GROUP - 1}}u) / {{GROUP}}u;
  let first = min(local * share, dims.m2);
  let end = min(first + share, dims.m2);
  var mine = 0u;
  for (var i = first; i < end; i++) {
    mine += select(0u, 1u, largest + score(u0 + dims.m1 + i) >= threshold);
  }
  shares[local] = vec2u(mine, 0u);
  meet();
  let sums = before(local);
  var place = sums.x;
  for (var i = first; i < end; i++) {
    if (largest + score(u0 + dims.m1 + i) >= threshold) {
      storeWord(place, i);
      place++;
    }
  }
  meet();
  return sums.z;
}

// Writes what reaches bits.y, and the first `ties` of what else reaches bits.x, for the numbers
// that this thread has in the range; their brackets say how many reach either, so that the numbers
// beyond the width of a padded i1, which come last, are not looked at.
fn writeEntries(list: u32, local: u32, range: vec2u, largest: f32, bits: vec2u, ties: u32) {
  let lower = bitcast<f32>(bits.x);
  let upper = bitcast<f32>(bits.y);
  //#if BIASED
  let seconds = dims.m2;
  //#else
  let seconds = listSeconds(local, largest, lower);
  //#end
  var mine = vec2u(0u);
  for (var j = range.x; j < range.y; j++) {
    let bracket = loadWord(BRACKET + j);
    mine += vec2u(bracket >> 16u, (bracket & 0xffffu) - (bracket >> 16u));
  }
  shares[local] = mine;
  workgroupBarrier();
  let sums = before(local);
  var at = sums.xy;
  let base = list * dims.capacity;
  if (local == 0u) { spans[list] = vec2u(base, base + sums.z + min(sums.w, ties)); }
  for (var j = range.x; j < range.y; j++) {
    let bracket = loadWord(BRACKET + j);
    let share = vec2u(bracket >> 16u, (bracket & 0xffffu) - (bracket >> 16u));
    let used = min(at.y, ties);
    var tied = min(share.y, ties - used);
    var next = base + at.x + used;
    at += share;
    let end = next + share.x + tied;
    let i1 = loadWord(NUMBER + j) >> 16u;
    let u = score(u0 + i1);
    for (var i = 0u; next < end && i < seconds; i++) {
      //#if BIASED
      let i2 = i;
      //#else
      let i2 = loadWord(i);
      //#end
      let sum = sumOf(i1, i2, u);
      let isTie = sum < upper && sum >= lower && tied > 0u;
      if (sum >= upper || isTie) {
        entries[next] = vec2u(i1 * dims.m2 + i2, bitcast<u32>(sum));
        next++;
        tied -= select(0u, 1u, isTie);
      }
    }
  }
}
