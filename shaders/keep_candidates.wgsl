// The k best of the candidates of each row by their scores, ties to the lowest latent, as a code:
// scores above 0 only, latents ascending as those of the candidates do.
// One thread a row. Four bits of the smallest score kept are found a pass, by counting how many
// scores reach each of 15 probes; bits of positive numbers order as they do. What is not above 0,
// or not a number, counts as 0, which is never kept.
struct Dims {
  rows: u32,
  capacity: u32,   // entries of a row of the code
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> candidates: array<vec2u>; // (latent, anything)
@group(0) @binding(3) var<storage, read> scores: array<f32>;
@group(0) @binding(4) var<storage, read> step: array<u32>;
@group(0) @binding(5) var<storage, read_write> codeSpans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> entries: array<vec2u>;

// Infinite scores count as this, as they do in topk_merge.
const LARGEST = 3.4e38;

//#use linear_id

fn bitsOf(score: f32) -> u32 {
  return select(0u, bitcast<u32>(min(score, LARGEST)), score > 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let span = spans[row];
  let k = min(step[{{K_WORD}}], dims.capacity);
  var least = 0u;
  var above = 0u;
  for (var shift = 32u; shift > 0u;) {
    shift -= 4u;
    //#for p in 1..16
    let probe{{p}} = least | ({{p}}u << shift);
    var n{{p}} = 0u;
    //#end
    for (var e = span.x; e < span.y; e++) {
      let bits = bitsOf(scores[e]);
      //#for p in 1..16
      n{{p}} += select(0u, 1u, bits >= probe{{p}});
      //#end
    }
    // The highest probe that enough scores reach; `above` is how many reach the next.
    var found = least;
    //#for p in 1..16
    if (n{{p}} >= k) { found = probe{{p}}; }
    //#end
    //#for q in 1..16
    //#for p in 16 - q..17 - q
    if (n{{p}} < k) { above = n{{p}}; }
    //#end
    //#end
    least = found;
  }
  var ties = k - above;
  let begin = row * dims.capacity;
  var end = begin;
  for (var e = span.x; e < span.y; e++) {
    let bits = bitsOf(scores[e]);
    let equal = bits == least && bits > 0u;
    if (bits > least || (equal && ties > 0u)) {
      entries[end] = vec2u(candidates[e].x, bits);
      end++;
      ties -= select(0u, 1u, equal);
    }
  }
  codeSpans[row] = vec2u(begin, end);
}
