// A whole static pursuit on the scores c = W r of each row (Gram form of the architectures spec,
// section 7), for adapters on the CPU: iterations as in pursuit_step, with the same bits, but with
// the scores in registers, or on the stack, which costs a tenth of a buffer there; and the products
// of all pairs of latents come from a texture. So every iteration is one pass over a row of
// products. A workgroup owns a row, and each of its threads VECS vec4s of its scores.
struct Dims {
  rows: u32,       // rows of this chunk, which scores holds from its start
  firstRow: u32,   // number of the chunk's first row
  f4: u32,         // vec4s of a row of scores and of gram
  limit: u32,      // latents in all
  capacity: u32,   // picks that a row has room for
  end: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var gram: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> step: array<u32>;
@group(0) @binding(3) var<storage, read> done: array<u32>;
@group(0) @binding(4) var<storage, read> scores: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> latents: array<u32>;
@group(0) @binding(6) var<storage, read_write> values: array<f32>; // 0 where there is no pick

//#use largest

// The largest of each subgroup, of even and of odd iterations: one barrier an iteration is enough.
var<workgroup> held: array<vec2u, {{2 * THREADS / LANES}}>;

fn largestOfSubgroup(own: Largest) -> Largest {
  let score = subgroupMax(own.score);
  return Largest(score, subgroupMin(select(NONE, own.latent, own.score == score)));
}

@compute @workgroup_size({{THREADS}})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let index = wid.x + wid.y * nwg.x;
  if (index >= dims.rows) { return; }
  let base = index * dims.f4;
  let row = dims.firstRow + index;
  let picks = row * dims.capacity;
  let lane = local % {{LANES}}u;
  var end = dims.end;
  //#if LIMITED
  end = min(end, step[{{K_WORD}}]);
  //#end
  // All threads reach every barrier: a row that has stopped goes on idle.
  var alive = done[row] == 0u;
  var latent = 0u;
  var value = 0.0;
  let four = vec4u(0u, 1u, 2u, 3u);
  // A subgroup has a stretch of the row, so that memory is read in order.
  let begin = (local / {{LANES}}u) * {{VECS * LANES}}u + lane;
  //#for i in 0..VECS
  let at{{i}} = min(begin + {{i * LANES}}u, dims.f4 - 1u);
  let ids{{i}} = vec4u((begin + {{i * LANES}}u) * 4u) + four;
  var s{{i}} = select(vec4f(LOWEST), scores[base + at{{i}}], ids{{i}} < vec4u(dims.limit));
  //#end
  for (var t = 0u; t < end; t++) {
    let minus = vec4f(-value);
    var top = vec4f(LOWEST);
    var place = vec4u(NONE);
    //#for i in 0..VECS
    let g{{i}} = textureLoad(gram, vec2u(at{{i}}, latent));
    s{{i}} = fma(minus, g{{i}}, s{{i}});
    let better{{i}} = s{{i}} > top;
    top = select(top, s{{i}}, better{{i}});
    place = select(place, vec4u(begin + {{i * LANES}}u), better{{i}});
    //#end
    let own = largestOfSubgroup(largestOfFour(top, place));
    let half = (t & 1u) * {{THREADS / LANES}}u;
    if (lane == 0u) {
      held[half + local / {{LANES}}u] = vec2u(bitcast<u32>(own.score), own.latent);
    }
    workgroupBarrier();
    var best = Largest(LOWEST, NONE);
    for (var i = lane; i < {{THREADS / LANES}}u; i += {{LANES}}u) {
      let other = held[half + i];
      let score = bitcast<f32>(other.x);
      if (score > best.score || (score == best.score && other.y < best.latent)) {
        best = Largest(score, other.y);
      }
    }
    let found = largestOfSubgroup(best);
    //#if RELU
    value = select(0.0, max(found.score, 0.0), alive && found.latent != NONE);
    //#else
    value = select(0.0, found.score, alive && found.latent != NONE);
    //#end
    alive = value != 0.0;
    latent = select(0u, found.latent, alive);
    if (alive && local == 0u) {
      latents[picks + t] = latent;
      values[picks + t] = value;
    }
  }
}
