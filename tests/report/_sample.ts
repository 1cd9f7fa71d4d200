/**
 * A made-up report that looks like a real one: prose of our own, latents that stand for words.
 * @module
 */
import { RandomStream } from "../../lib/base/random.ts";
import type { Contender, Context, Figure, LatentCard, ReportData } from "../../lib/report/types.ts";

const SENTENCES = [
  "The old lighthouse keeper counted seven ships before the fog came down over the harbour.",
  "She wrote three letters to the committee, and none of them was answered before winter.",
  'If the valve sticks, turn the brass wheel twice to the left and wait; "never force it," said Anna.',
  "In 1873 the railway reached the valley, and with it came newspapers, oranges and debt.",
  "My grandmother salted the butter by hand and said that haste was the enemy of flavour.",
  "The senate has before it a bill for the relief of farmers whose fields were flooded in May.",
  "He laughed, though nothing was funny, and the dog looked from one face to the other.",
  "Between the two hills a river runs north, which surprises strangers, for the sea lies south.",
  "The captain's table held a chart, a loaf, two candles and the ship's only mirror.",
  "We have paid down the public debt by nine millions, and the revenue continues to grow.",
  "A storm at sea is first a smell, then a silence, and only at the end a wind.",
  "Snow fell on the orchard, and the pickers went home early with their ladders on their backs.",
  "The letters were tied with string; the oldest was dated the tenth of June, 1841.",
  "No nation can be strong whose people do not trust the weights in its markets.",
  "They sailed at dawn with a fair wind, forty barrels of water and a boy who could not swim.",
  "The harbour froze in January, and carts crossed where boats had been the week before.",
];

const THEMES: [string, string[], string[], string[]][] = [
  ["ships and sea", ["ships", "ship", "sea", "harbour", "sailed", "boats", "captain"], [
    " deck",
    " mast",
    " sail",
    " crew",
    " aboard",
    " vessel",
    " sailors",
    " anchor",
  ], [" senate", "ury", " parliament", " clause"]],
  ["weather", ["fog", "storm", "wind", "Snow", "winter", "froze"], [
    " rain",
    " cold",
    " blew",
    " ice",
    " clouds",
    " gale",
  ], [" debt", "%", " bank"]],
  ["money", ["debt", "millions", "revenue", "paid", "markets"], [
    " dollars",
    " Treasury",
    " interest",
    " loans",
    "\n",
    " taxes",
  ], [" whale", " deck", "she"]],
  ["numbers", ["seven", "three", "two", "nine", "forty", "tenth", "1873", "1841"], [
    " hundred",
    " thousand",
    " years",
    " feet",
    " miles",
  ], [" the", " of", "\t", ""]],
  ["family", ["grandmother", "boy", "Anna", "She", "My"], [
    " mother",
    " sister",
    " her",
    " child",
    " said",
  ], [" valve", " wheel"]],
  ["commas", [",", ";"], [" and", " but", " which", " who", " or"], [".", "?", "!"]],
  ["before", ["before", "first", "early", "dawn", "oldest"], [" after", " when", " until"], [
    " per",
    " via",
  ]],
  ["government", ["senate", "committee", "bill", "nation", "public", "people"], [
    " Congress",
    " law",
    " citizens",
    " President",
  ], [" soup", " sail"]],
];

/** Cuts prose into token-like pieces: a word with its space, sometimes in two; marks alone. */
function tokenise(text: string): string[] {
  return (text.match(/ ?[A-Za-z]+|\d+| ?[^A-Za-z\d\s]+|\s/g) ?? []).flatMap((word) =>
    word.length > 8 ? [word.slice(0, 5), word.slice(5)] : [word]
  );
}

function figures(values: Record<string, number | null>): Figure[] {
  const definitions: Record<string, string> = {
    "recon/fvu":
      "Squared error of the reconstruction over the variance of the activations around " +
      "their mean, both summed over all tokens; 0 is perfect, 1 is as good as the mean.",
    "recon/explained_variance": "One minus recon/fvu.",
    "recon/cossim": "Mean cosine of activation and reconstruction over tokens.",
    "recon/l2_ratio":
      "Mean norm of the reconstruction over mean norm of the activation; below 1 is " +
      "shrinkage.",
    "sparsity/l0": "Mean number of latents that are not zero on a token.",
    "sparsity/dead_frac": "Share of latents that fired on none of the held-out tokens.",
    "density/freq_over_1_percent": "Share of latents that fire on more than 1 % of tokens.",
    "model/ce_loss_with_sae":
      "Next-token cross-entropy, in nats, with the reconstruction in place of the activation.",
    "model/ce_loss_score":
      "Share of the gap between zero ablation and the untouched model that the reconstruction closes.",
  };
  return Object.entries(values).map(([name, value]) => ({
    name,
    value,
    definition: definitions[name] ?? "",
  }));
}

function contenders(): Contender[] {
  return [
    {
      name: "trained",
      what: "the dictionary of this run",
      figures: figures({
        "recon/fvu": 0.18734,
        "recon/explained_variance": 0.81266,
        "recon/cossim": 0.9312,
        "recon/l2_ratio": 0.9417,
        "sparsity/l0": 32,
        "sparsity/dead_frac": 0.0425,
        "density/freq_over_1_percent": 0.2314,
        "model/ce_loss_with_sae": 4.1127,
        "model/ce_loss_score": 0.9433,
      }),
    },
    {
      name: "PCA, k largest components a token",
      what:
        "principal components of the training activations, the 32 largest coefficients kept on " +
        "each token",
      figures: figures({
        "recon/fvu": 0.3121,
        "recon/explained_variance": 0.6879,
        "recon/cossim": 0.8711,
        "recon/l2_ratio": 0.8293,
        "sparsity/l0": 32,
        "sparsity/dead_frac": 0,
        "density/freq_over_1_percent": 1,
        "model/ce_loss_with_sae": 4.9013,
        "model/ce_loss_score": 0.8102,
      }),
    },
    {
      name: "untrained",
      what: "the same dictionary before its first step",
      figures: figures({
        "recon/fvu": 0.7436,
        "recon/explained_variance": 0.2564,
        "recon/cossim": 0.5124,
        "recon/l2_ratio": 0.5313,
        "sparsity/l0": 32,
        "sparsity/dead_frac": 0.0012,
        "density/freq_over_1_percent": 0.4121,
        "model/ce_loss_with_sae": null,
        "model/ce_loss_score": null,
      }),
    },
  ];
}

function card(order: number, stream: RandomStream, contextCount: number): LatentCard {
  const [, words, promoted, suppressed] = THEMES[order % THEMES.length];
  const at = (i: number) => stream.uniform(order, i);
  const scale = 2 + 12 * at(0);
  const stream_: { token: string; activation: number }[] = [];
  for (let s = 0; s < 60; s++) {
    const sentence = SENTENCES[stream.below(SENTENCES.length, order, 100 + s)];
    const tokens = tokenise(sentence);
    tokens.push(s % 7 === 3 ? "\n" : s % 11 === 5 ? "\n\n" : " ");
    for (const token of tokens) {
      const i = stream_.length;
      const hit = words.some((w) => w.startsWith(token.trim()) && token.trim().length > 2) ||
        words.includes(token.trim());
      const noise = at(1000 + i) > 0.97 ? 0.08 + 0.15 * at(5000 + i) : 0;
      stream_.push({ token, activation: scale * (hit ? 0.35 + 0.65 * at(9000 + i) : noise) });
    }
  }
  const peaks = stream_.map((t, i) => ({ i, a: t.activation }))
    .filter((p) => p.i > 16 && p.i < stream_.length - 8).sort((a, b) => b.a - a.a);
  const chosen: number[] = [];
  for (const p of peaks) {
    if (chosen.length < contextCount && chosen.every((c) => Math.abs(c - p.i) > 20)) {
      chosen.push(p.i);
    }
  }
  const contexts: Context[] = chosen.map((i) => {
    const piece = stream_.slice(i - 16, i + 8);
    return {
      tokens: piece.map((t) => t.token),
      activations: piece.map((t) => t.activation),
      peak: 16,
    };
  });
  const max = stream_[chosen[0]].activation;
  const counts = Array.from(
    { length: 50 },
    (_, b) =>
      Math.round(
        900 * Math.exp(-b / 6) * (0.6 + 0.8 * at(20 + b)) + 30 * Math.exp(-((b - 34) ** 2) / 40),
      ),
  );
  const edges = Array.from({ length: 51 }, (_, i) => max * i / 50);
  const score = (list: string[], sign: number) =>
    list.map((token, i) => ({ token, score: sign * (1.9 - 0.17 * i) * (0.7 + 0.3 * at(80)) }));
  return {
    latent: stream.below(4096, order, 7),
    density: 10 ** (-4 + 2.7 * at(3)),
    maxActivation: max,
    meanActivation: max * (0.2 + 0.1 * at(4)),
    histogram: { edges, counts },
    contexts,
    promoted: score([...promoted, ...promoted.map((t) => t + "s")].slice(0, 8), 1),
    suppressed: score([...suppressed, ...suppressed.map((t) => t + "ed")].slice(0, 8), -1),
  };
}

/** A report of `cards` latents with `contexts` contexts each; the same one every time. */
export function sampleReport(cards = 60, contexts = 10): ReportData {
  const stream = new RandomStream(7, "sample report");
  const latents = Array.from({ length: cards }, (_, i) => card(i, stream, contexts));
  const seen = new Set<number>();
  for (const c of latents) {
    while (seen.has(c.latent)) c.latent++;
    seen.add(c.latent);
  }
  const curve = Array.from({ length: 1200 }, (_, i) => {
    const t = i / 1199;
    const noise = stream.normal(1, i) * 0.01;
    return {
      tokens: 1024 + Math.round(t * 1_998_976),
      values: {
        "recon/fvu": (0.185 + 2.9 * Math.exp(-t * 60) + 0.5 * Math.exp(-t * 6)) * (1 + noise),
        "sparsity/l0": 32 + 96 * Math.max(0, 1 - t / 0.15),
        "sparsity/dead_frac": Math.max(
          0,
          0.11 * Math.sin(Math.min(1, t * 1.9) * 2.4) + noise * 0.1,
        ),
        "loss/auxk": (0.9 * Math.exp(-t * 5) + 0.05) * (1 + noise),
        "lr": 4e-4 * Math.min(1, t / 0.05) * Math.min(1, (1 - t) / 0.2),
      },
    };
  });
  const fired = 3922;
  const l0Counts = new Array<number>(33).fill(0);
  for (let i = 0; i < 131072; i++) {
    l0Counts[Math.max(0, 32 - Math.floor(-3 * Math.log(1 - stream.uniform(3, i))))]++;
  }
  return {
    title: "demo-topk-blocks-2",
    created: "2025-11-20T18:42:10Z",
    facts: [
      ["Model", "bundled GPT-2-style model, 4 layers"],
      ["Hookpoint", "blocks.2.hook_resid_post"],
      ["Text", "state_of_the_union.txt, moby_dick.txt"],
      ["Dictionary", "TopK, 128 in, 4,096 latents, k = 32"],
      ["Training tokens", "2,000,000 (1,953 steps of 1,024)"],
      ["Optimiser", "Adam, lr 4e-4, warm-up 5 %, decay over the last 20 %"],
      ["Normalisation", "dataset-wise, mean squared norm = d_in"],
      ["Left out", "first position of each context (15,625 tokens)"],
      ["Adapter", "llvmpipe (LLVM 15.0.6, 256 bits)"],
      ["Seed", "0"],
      ["Time", "3 min 41 s, 9,050 tokens/s"],
      ["Weights SHA-256", "8c1f0c5b7a2f4be2b6a1cf3c0f3e5b9d7d61c1c37f0d4ad0b65a3d9be5a1f0e2"],
    ],
    curve,
    contenders: contenders(),
    evalTokens: 131072,
    logDensities: Array.from(
      { length: fired },
      (_, i) => Math.max(-5.1, Math.min(-0.3, -2.45 + 0.62 * stream.normal(2, i))),
    ),
    silentLatents: 4096 - fired,
    l0Counts,
    latents,
    latentChoice:
      "60 latents drawn evenly over the range of density among those that fired on at " +
      "least 20 held-out tokens, most dense first.",
    version: "0.1.0",
  };
}
