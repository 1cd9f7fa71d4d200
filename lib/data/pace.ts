/**
 * The pace of a block that is made in the time of its user: a little for every step.
 * @module
 */
import type { Pace } from "./types.ts";

/** Why a block that nobody waits for any more is not made to its end. */
class GivenUp extends Error {
  constructor() {
    super("the block is not needed any more");
  }
}

/** Lets one side make parts when the other says that they are due. */
export class StepPace implements Pace {
  #due = 0;
  #done = 0;
  #ended = false;
  #givenUp = false;
  #maker?: { go: () => void; stop: (reason: Error) => void };
  #user?: { share: number; go: () => void };

  turn(done: number): Promise<void> {
    this.#done = done;
    this.#tellUser();
    if (this.#givenUp) return Promise.reject(new GivenUp());
    if (done < this.#due || done >= 1) return Promise.resolve();
    return new Promise((go, stop) => this.#maker = { go, stop });
  }

  /** Makes this share of the block due, and waits until it is there or the block has ended. */
  async until(share: number): Promise<void> {
    this.#due = Math.max(this.#due, share);
    if (this.#ended || this.#done >= share) return;
    const there = new Promise<void>((go) => this.#user = { share, go });
    this.#maker?.go();
    this.#maker = undefined;
    await there;
  }

  /** The whole block is wanted now. */
  hurry(): void {
    this.#due = Infinity;
    this.#maker?.go();
    this.#maker = undefined;
  }

  /** Nobody wants the block: its next part fails. */
  giveUp(): void {
    this.#givenUp = true;
    this.#maker?.stop(new GivenUp());
    this.#maker = undefined;
  }

  /** The block is made, or has failed. */
  end(): void {
    this.#ended = true;
    this.#tellUser();
  }

  #tellUser(): void {
    if (!this.#user || !(this.#ended || this.#done >= this.#user.share)) return;
    this.#user.go();
    this.#user = undefined;
  }
}
