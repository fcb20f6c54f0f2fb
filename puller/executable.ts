/** There is no executable for the architecture of this machine. */
export class UnknownArchitectureError extends Error {
  override readonly name = 'UnknownArchitectureError';
}

interface Architecture {
  /** `e_machine` of the ELF header. */
  readonly machine: number;
  /** The instructions of `exit_group(0)`. */
  readonly code: readonly number[];
}

/** By the names of `process.arch`: every architecture for which the image is built. */
const architectures: Readonly<Record<string, Architecture>> = {
  // https://man7.org/linux/man-pages/man2/syscall.2.html has the registers of system calls.
  x64: {
    machine: 62, // EM_X86_64
    code: [
      ...[0xb8, 0xe7, 0x00, 0x00, 0x00], // mov eax, 231  (exit_group)
      ...[0x31, 0xff], //                   xor edi, edi  (status 0)
      ...[0x0f, 0x05], //                   syscall
    ],
  },
  arm64: {
    machine: 183, // EM_AARCH64
    code: [
      ...[0xc8, 0x0b, 0x80, 0xd2], // mov x8, #94  (exit_group)
      ...[0x00, 0x00, 0x80, 0xd2], // mov x0, #0   (status 0)
      ...[0x01, 0x00, 0x00, 0xd4], // svc #0
    ],
  },
};

const headerSize = 64;
const programHeaderSize = 56;
const programHeaders = 2;
const codeOffset = headerSize + programHeaders * programHeaderSize;
/** The address of the file in memory. It is a multiple of every page size, of which arm64 has up to 64 KiB. */
const baseAddress = 0x400000;
const pageSize = 0x10000;

/** True if {@link buildExecutable} knows the architecture, a name as in `process.arch`. */
export function hasExecutable(architecture: string): boolean {
  return Object.hasOwn(architectures, architecture);
}

/**
 * The executable that the containers of a puller run in place of their images' own commands: a static ELF file that ends at
 * once with exit code 0. It needs nothing of the image, which may be empty. Throws an {@link UnknownArchitectureError}.
 * @see https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html ELF header, program header
 */
export function buildExecutable(architecture: string): Buffer {
  const known = hasExecutable(architecture) ? architectures[architecture] : undefined;
  if (known === undefined)
    throw new UnknownArchitectureError(
      `there is no executable for the architecture ${architecture}: use an image for ${Object.keys(architectures).join(' or ')}`,
    );
  const code = Buffer.from(known.code);
  const size = codeOffset + code.length;
  return Buffer.concat([
    elfHeader(known.machine),
    // PT_LOAD: the whole file, readable and executable.
    programHeader({ type: 1, flags: 5, address: baseAddress, size, align: pageSize }),
    // PT_GNU_STACK: a stack that is not executable. Without it older kernels make it so, which SELinux may refuse.
    programHeader({ type: 0x6474e551, flags: 6, address: 0, size: 0, align: 16 }),
    code,
  ]);
}

function elfHeader(machine: number): Buffer {
  const header = Buffer.alloc(headerSize);
  // 64 bits, little-endian, version 1, System V.
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  header.writeUInt16LE(2, 16); // e_type: ET_EXEC
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20); // e_version
  header.writeBigUInt64LE(BigInt(baseAddress + codeOffset), 24); // e_entry
  header.writeBigUInt64LE(BigInt(headerSize), 32); // e_phoff
  header.writeUInt16LE(headerSize, 52); // e_ehsize
  header.writeUInt16LE(programHeaderSize, 54); // e_phentsize
  header.writeUInt16LE(programHeaders, 56); // e_phnum
  return header;
}

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly size: number;
  readonly align: number;
}

function programHeader({ type, flags, address, size, align }: Segment): Buffer {
  const header = Buffer.alloc(programHeaderSize);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(flags, 4);
  header.writeBigUInt64LE(BigInt(address), 16); // p_vaddr
  header.writeBigUInt64LE(BigInt(address), 24); // p_paddr
  header.writeBigUInt64LE(BigInt(size), 32); // p_filesz
  header.writeBigUInt64LE(BigInt(size), 40); // p_memsz
  header.writeBigUInt64LE(BigInt(align), 48);
  return header;
}
