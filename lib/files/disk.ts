/**
 * Room on a disk.
 * @module
 */
import { statfs } from "node:fs/promises";

/** Bytes that are free where `folder` lies, or undefined where the system does not tell. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
