// The digit of the K-th largest value from the counts of its pass, and after the last pass what
// follows from the value. One workgroup: threads add up four bins each, the first goes through the
// sums from the top; then the bins are cleared for the next pass.
//   FIRST:  K is known here, from the host or as rows * min(k, number of dead latents) (DEAD). When
//           less than K values exceeded a guess above 0, RETRY asks for all above 0 instead.
//   AGAIN:  the first digit once more, when that was so.
//   LAST:   `found` gets the value that entries must exceed, and how many equal ones come in. The
//           K-th value's average is kept in `state` (AVERAGES), or a gate that is the average of
//           the steps before (GATES) or moves by how far the number that passes is from K (MOVES).
struct Dims {
  rows: u32,
  most: u32,       // K is this at most
  rate: f32,       // of the average, or of the moves
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read_write> bins: array<u32>;
@group(0) @binding(4) var<storage, read_write> found: array<u32>;
@group(0) @binding(5) var<storage, read_write> state: array<f32>;

var<workgroup> sums: array<u32, 64>;

//#if FIRST
fn wanted() -> u32 {
  //#if DEAD
  return min(dims.most, dims.rows * min(step[{{K_WORD}}], count[0]));
  //#else
  return min(dims.most, step[{{K_WORD}}]);
  //#end
}
//#end

// Goes through the sums from the top and sets digit, remaining and ties.
fn pick() {
  if (found[{{SHORT}}] == 1u || found[{{ALL}}] == 1u) { return; }
  var remaining = found[{{REMAINING}}];
  var g = 63u;
  while (g > 0u && sums[g] < remaining) {
    remaining -= sums[g];
    g--;
  }
  var digit = 4u * g + 3u;
  while (digit > 4u * g && bins[digit] < remaining) {
    remaining -= bins[digit];
    digit--;
  }
  found[{{PREFIX}}] |= digit << {{SHIFT}}u;
  found[{{REMAINING}}] = remaining;
  found[{{TIES}}] = bins[digit];
}

//#if LAST
fn conclude() {
  let exact = found[{{ALL}}] == 0u && found[{{WANTED}}] > 0u;
  if (found[{{ALL}}] == 1u) {
    found[{{PREFIX}}] = 0u;
    found[{{REMAINING}}] = 0u;
    found[{{TIES}}] = 0u;
  }
  // The K-th largest of the positive parts of all scores: 0 where fewer are positive.
  let value = select(0.0, bitcast<f32>(found[{{PREFIX}}]), exact);
  let before = state[{{AVERAGE}}];
  //#if AVERAGES
  var next = before;
  if (exact && step[{{TRACK_WORD}}] == 1u) {
    next = select(value, fma(dims.rate, value - before, before), before > 0.0);
  }
  state[{{AVERAGE}}] = next;
  state[{{GUESS}}] = 0.8 * value;
  state[{{REPORT}}] = select(value, next, next > 0.0);
  //#end
  //#if GATES
  var next = value;
  if (before > 0.0) {
    // What passes is what exceeds the gate of the steps before; no equal ones come in.
    found[{{PREFIX}}] = bitcast<u32>(before);
    found[{{REMAINING}}] = 0u;
    found[{{TIES}}] = 0u;
    //#if MOVES
    let off = abs(f32(found[{{TOTAL}}]) - f32(found[{{WANTED}}])) / f32(dims.rows);
    let factor = 1.0 + dims.rate * off;
    next = select(before / factor, before * factor, found[{{TOTAL}}] > found[{{WANTED}}]);
    //#else
    next = fma(dims.rate, value - before, before);
    //#end
  }
  state[{{AVERAGE}}] = next;
  //#if MOVES
  state[{{GUESS}}] = next;
  //#else
  state[{{GUESS}}] = 0.8 * min(next, value);
  //#end
  state[{{REPORT}}] = next;
  //#end
}
//#end

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  let b = 4u * local;
  sums[local] = (bins[b] + bins[b + 1u]) + (bins[b + 2u] + bins[b + 3u]);
  workgroupBarrier();
  if (local == 0u) {
    //#if FIRST
    var total = 0u;
    for (var i = 0u; i < 64u; i++) { total += sums[i]; }
    let k = wanted();
    //#if AGAIN
    let now = found[{{SHORT}}] == 1u;
    //#else
    let now = true;
    //#end
    if (now) {
      found[{{WANTED}}] = k;
      found[{{TOTAL}}] = total;
      found[{{REMAINING}}] = k;
      found[{{PREFIX}}] = 0u;
      found[{{TIES}}] = 0u;
      found[{{ALL}}] = select(0u, 1u, total < k);
      found[{{SHORT}}] = 0u;
      //#if RETRY
      if (total < k && state[{{GUESS}}] > 0.0) {
        found[{{SHORT}}] = 1u;
        state[{{GUESS}}] = 0.0;
      }
      //#end
      pick();
    }
    //#else
    pick();
    //#end
    //#if LAST
    conclude();
    //#end
  }
  workgroupBarrier();
  //#for i in 0..4
  bins[b + {{i}}u] = 0u;
  //#end
}
