// One code a row from the lists of its heads, latents ascending: where several heads propose a
// latent, their values add up, the first head's first. Bit h of an entry's word of heads says that
// head h proposed it. One thread a row.
struct Dims {
  rows: u32,
  capacity: u32,   // entries of a row
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> listSpans: array<vec2u>;
@group(0) @binding(2) var<storage, read> listed: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> entries: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> heads: array<u32>;

const NONE = 0xffffffffu;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.capacity;
  //#for h in 0..HEADS
  let span{{h}} = listSpans[row * {{HEADS}}u + {{h}}u];
  var at{{h}} = span{{h}}.x;
  var next{{h}} = vec2u(NONE, 0u);
  if (at{{h}} < span{{h}}.y) { next{{h}} = listed[at{{h}}]; }
  //#end
  var n = 0u;
  while (n < dims.capacity) {
    var latent = NONE;
    //#for h in 0..HEADS
    latent = min(latent, next{{h}}.x);
    //#end
    if (latent == NONE) { break; }
    var value = 0.0;
    var who = 0u;
    //#for h in 0..HEADS
    if (next{{h}}.x == latent) {
      value += bitcast<f32>(next{{h}}.y);
      who |= 1u << {{h}}u;
      at{{h}}++;
      next{{h}} = vec2u(NONE, 0u);
      if (at{{h}} < span{{h}}.y) { next{{h}} = listed[at{{h}}]; }
    }
    //#end
    entries[base + n] = vec2u(latent, bitcast<u32>(value));
    heads[base + n] = who;
    n++;
  }
  spans[row] = vec2u(base, base + n);
}
