/** One member of a zip archive (fflate reads the format). Which archive has which member is said by the data set. */
import { ApoError } from '@apo/core';
import { unzipSync } from 'fflate';

/**
 * The content of the member `name`, in whatever folder of the archive it is.
 * @param what how messages call the archive, and `remedy` what they advise.
 * @throws ApoError `DATA_CORRUPT` when this is no zip archive, it is cut or damaged, or it has no such member.
 */
export function zipMember(bytes: Uint8Array, name: string, what: string, remedy: string): Uint8Array {
  const seen: string[] = [];
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes, {
      filter(member) {
        seen.push(member.name);
        return member.name.split('/').at(-1) === name;
      },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ApoError('DATA_CORRUPT', `${what} is not a whole zip archive (${reason}). ${remedy}`, {
      cause,
    });
  }
  const [content] = Object.values(members);
  if (content === undefined) {
    throw new ApoError(
      'DATA_CORRUPT',
      `${what} has no member ${name}; it has ${seen.length === 0 ? 'none' : seen.slice(0, 10).join(', ')}. ${remedy}`,
    );
  }
  return content;
}
