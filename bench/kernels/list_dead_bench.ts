/**
 * Listing the dead latents when every second one is dead.
 * @module
 */
import { listDead } from "../../lib/kernels/list_dead.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "list_dead",
  cases: (stage) =>
    stage.shapes.map(({ latents }) => {
      const list = stage.room(latents);
      return {
        shape: `${latents}`,
        cost: listDead.cost({ latents }),
        commands: [listDead.record(stage.gpu, {
          latents,
          dead: stage.words(latents, (i) => i % 2),
          offsets: stage.words(latents + 1, (i) => i >> 1),
          list,
        })],
        output: list,
        type: "u32",
        check: (_, words) => {
          const bad = words.subarray(0, latents >> 1).findIndex((latent, i) =>
            latent !== 2 * i + 1
          );
          return bad < 0 ? undefined : `place ${bad} of its list is ${words[bad]}`;
        },
      };
    }),
};
