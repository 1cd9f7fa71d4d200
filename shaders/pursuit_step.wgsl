// Iterations [begin, end) of matching pursuit on the scores c = W r of each row (Gram form of the
// architectures spec, section 7): c -= v * G[j] for the pick (j, v) of the one before, where G has
// the products of all pairs of latents; then the next pick is the largest score, ties to the
// lowest latent. ALONE: it is picked with its value. Otherwise there is one iteration, and the
// largest score goes to best for pursuit_update, which knows the residual.
// Where G is split over buffers, an iteration is one dispatch a buffer: a row belongs to the one
// that has its last pick. With TEXELS it lies in a texture. A subgroup owns a row, or 64 threads
// where there are no subgroups.
struct Dims {
  rows: u32,       // rows of this chunk, which scores holds from its start
  firstRow: u32,   // number of the chunk's first row
  f4: u32,         // vec4s of a row of scores and of gram
  limit: u32,      // latents in all
  capacity: u32,   // picks that a row has room for
  begin: u32,
  end: u32,
  firstLatent: u32, // latents of this buffer of gram
  latents: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
//#if TEXELS
@group(0) @binding(1) var gram: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(1) var<storage, read> gram: array<vec4f>;
//#end
@group(0) @binding(2) var<storage, read> step: array<u32>;
@group(0) @binding(3) var<storage, read> done: array<u32>;
@group(0) @binding(4) var<storage, read_write> scores: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> latents: array<u32>;
@group(0) @binding(6) var<storage, read_write> values: array<f32>; // 0 where there is no pick
@group(0) @binding(7) var<storage, read_write> best: array<vec2u>;

//#use linear_id
//#use largest

//#if !SUBGROUPS
var<workgroup> heldScore: array<f32, 64>;
var<workgroup> heldLatent: array<u32, 64>;
//#end

fn largestOfRow(own: Largest, local: u32) -> Largest {
  //#if SUBGROUPS
  let score = subgroupMax(own.score);
  return Largest(score, subgroupMin(select(NONE, own.latent, own.score == score)));
  //#else
  heldScore[local] = own.score;
  heldLatent[local] = own.latent;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      let other = heldScore[local + half];
      let latent = heldLatent[local + half];
      if (other > heldScore[local] || (other == heldScore[local] && latent < heldLatent[local])) {
        heldScore[local] = other;
        heldLatent[local] = latent;
      }
    }
  }
  workgroupBarrier();
  let found = Largest(heldScore[0], heldLatent[0]);
  workgroupBarrier();
  return found;
  //#end
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lane = local % {{LANES}}u;
  //#if SUBGROUPS
  let index = linearId(wid, nwg, local, 64u) / {{LANES}}u;
  //#else
  let index = linearId(wid, nwg, 0u, 1u);
  //#end
  if (index >= dims.rows) { return; }
  let base = index * dims.f4;
  let row = dims.firstRow + index;
  let picks = row * dims.capacity;
  var end = dims.end;
  //#if LIMITED
  end = min(end, step[{{K_WORD}}]);
  //#end
  // Without subgroups all threads reach every barrier: a row that has stopped goes on idle.
  var alive = done[row] == 0u;
  var latent = dims.firstLatent;
  var value = 0.0;
  if (dims.begin > 0u) {
    latent = latents[picks + dims.begin - 1u];
    value = values[picks + dims.begin - 1u];
    alive = alive && value != 0.0 && latent - dims.firstLatent < dims.latents;
  }
  let ids = vec4u(0u, 1u, 2u, 3u);
  for (var t = dims.begin; t < end; t++) {
    //#if SUBGROUPS
    if (!alive) { return; }
    //#end
    var top = vec4f(LOWEST);
    var place = vec4u(NONE);
    if (alive) {
      //#if !TEXELS
      let gramRow = (latent - dims.firstLatent) * dims.f4;
      //#end
      let minus = vec4f(-value);
      for (var i = lane; i < dims.f4; i += {{LANES}}u) {
        var s = scores[base + i];
        if (t > 0u) {
          //#if TEXELS
          s = fma(minus, textureLoad(gram, vec2u(i, latent)), s);
          //#else
          s = fma(minus, gram[gramRow + i], s);
          //#end
          scores[base + i] = s;
        }
        let better = (s > top) & (ids + vec4u(i * 4u) < vec4u(dims.limit));
        top = select(top, s, better);
        place = select(place, vec4u(i), better);
      }
    }
    let found = largestOfRow(largestOfFour(top, place), local);
    //#if ALONE
    latent = found.latent;
    //#if RELU
    value = max(found.score, 0.0);
    //#else
    value = found.score;
    //#end
    alive = alive && latent != NONE && value != 0.0;
    if (alive && lane == 0u) {
      latents[picks + t] = latent;
      values[picks + t] = value;
    }
    //#else
    if (alive && lane == 0u) { best[row] = vec2u(bitcast<u32>(found.score), found.latent); }
    //#end
  }
}
