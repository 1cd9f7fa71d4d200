/**
 * What the comparison with other programs hands around.
 * @module
 */
import type { ModelOptions } from "../../lib/models/types.ts";
import type { Machine, TrainShape } from "../types.ts";

/** One dictionary that a peer and this program train from the same weights on the same rows. */
export interface PeerCase {
  /** Peer, the name of its Python file: `sae_lens`. */
  peer: string;
  /** What is trained, in the worker's words: `topk`, `clt`. */
  method: string;
  /** What is different from the peer's fastest settings, in words. */
  variant?: string;
  /** Family of this program. */
  type: string;
  /** Sizes. */
  shape: TrainShape;
  /** Options of this program that make its mathematics the peer's. */
  options: Partial<ModelOptions>;
  /** Parameters whose rows are put back to length 1 after every step, where the peer does so. */
  normalised?: readonly string[];
  /** Settings of the peer by the worker's names. */
  settings?: Readonly<Record<string, unknown>>;
  /** Largest relative difference of losses; 1e-3 unless the peer computes in fewer bits. */
  tolerance?: number;
  /** Rounds; as many as the run has when absent. */
  rounds?: number;
}

/** What came of a case. */
export interface PeerResult {
  /** Peer with its version. */
  peer: string;
  /** PyTorch. */
  torch: string;
  /** Threads of the peer. */
  threads: number;
  /** What was trained. */
  method: string;
  /** What is different from the peer's fastest settings. */
  variant?: string;
  /** Sizes. */
  shape: TrainShape;
  /** Steps of a turn. */
  steps: number;
  /** Milliseconds a step of every turn of this program. */
  ourMs: number[];
  /** Milliseconds a step of every turn of the peer, which came right after. */
  theirMs: number[];
  /** Median of the peer's over the median of ours: how many times as fast we are. */
  ratio: number;
  /** Smallest and largest ratio of two turns that followed each other. */
  range: [number, number];
  /**
   * The same of the seconds of processors. Where it is far below the ratio, others used the machine: threads that wait
   * for each other, like the peers', lose most by it.
   */
  cpuRatio: number;
  /** Losses that were compared, one a step, and their largest relative difference. */
  losses: { count: number; difference: number; tolerance: number };
}

/** A run. */
export interface PeerRun {
  /** Layout of this object. */
  version: 1;
  /** Where and when. */
  machine: Machine;
  /** Results. */
  results: PeerResult[];
  /** Peers that could not be run, and why. */
  troubles: { peer: string; method: string; reason: string }[];
}
