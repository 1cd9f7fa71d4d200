// As topk_finish, with the whole list of a row in registers: VECS vec4s. What is dropped gets the
// highest number, so that sorting brings it to the end; there (0, 0) is written. Neighbours are
// exchanged in rounds, each pair that begins at an even place, then each that begins at an odd one:
// as many rounds as there are pairs sort any list, whatever other threads have.
struct Dims {
  rows: u32,
  capacity: u32,   // entries of a list: VECS * 4
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> bestScore: array<vec4f>;
@group(0) @binding(2) var<storage, read> bestLatent: array<vec4u>;
@group(0) @binding(3) var<storage, read> map: array<u32>;
@group(0) @binding(4) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> entries: array<vec4u>; // two entries

const NONE = 0xffffffffu;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  var counts = vec4u(0u);
  //#for i in 0..VECS
  var l{{i}} = bestLatent[row * {{VECS}}u + {{i}}u];
  var s{{i}} = bestScore[row * {{VECS}}u + {{i}}u];
  let keeps{{i}} = (l{{i}} != vec4u(NONE)) & (s{{i}} > vec4f(0.0));
  counts += select(vec4u(0u), vec4u(1u), keeps{{i}});
  //#if MAPPED
  //#for c in 0..4
  l{{i}}[{{c}}] = map[select(0u, l{{i}}[{{c}}], keeps{{i}}[{{c}}])];
  //#end
  //#end
  l{{i}} = select(vec4u(NONE), l{{i}}, keeps{{i}});
  s{{i}} = select(vec4f(0.0), s{{i}}, keeps{{i}});
  //#end
  for (var round = 0u; round < {{VECS * 2}}u; round++) {
    //#for i in 0..VECS
    let even{{i}} = (l{{i}}.xz > l{{i}}.yw).xxyy;
    l{{i}} = select(l{{i}}, l{{i}}.yxwz, even{{i}});
    s{{i}} = select(s{{i}}, s{{i}}.yxwz, even{{i}});
    //#end
    // Pairs across vec4s and those within, all from the numbers as they are now.
    //#for i in 0..VECS
    let inner{{i}} = l{{i}}.y > l{{i}}.z;
    //#end
    //#for i in 1..VECS
    let cross{{i}} = l{{i - 1}}.w > l{{i}}.x;
    let latents{{i}} = vec2u(l{{i}}.x, l{{i - 1}}.w);
    let scores{{i}} = vec2f(s{{i}}.x, s{{i - 1}}.w);
    //#end
    //#for i in 0..VECS
    l{{i}} = select(l{{i}}, l{{i}}.xzyw, inner{{i}});
    s{{i}} = select(s{{i}}, s{{i}}.xzyw, inner{{i}});
    //#end
    //#for i in 1..VECS
    l{{i - 1}}.w = select(l{{i - 1}}.w, latents{{i}}.x, cross{{i}});
    l{{i}}.x = select(l{{i}}.x, latents{{i}}.y, cross{{i}});
    s{{i - 1}}.w = select(s{{i - 1}}.w, scores{{i}}.x, cross{{i}});
    s{{i}}.x = select(s{{i}}.x, scores{{i}}.y, cross{{i}});
    //#end
  }
  //#for i in 0..VECS
  let latent{{i}} = select(l{{i}}, vec4u(0u), l{{i}} == vec4u(NONE));
  let value{{i}} = bitcast<vec4u>(s{{i}});
  let at{{i}} = row * {{VECS * 2}}u + {{i * 2}}u;
  entries[at{{i}}] = vec4u(latent{{i}}.x, value{{i}}.x, latent{{i}}.y, value{{i}}.y);
  entries[at{{i}} + 1u] = vec4u(latent{{i}}.z, value{{i}}.z, latent{{i}}.w, value{{i}}.w);
  //#end
  let n = counts.x + counts.y + counts.z + counts.w;
  spans[row] = vec2u(row * dims.capacity, row * dims.capacity + n);
}
