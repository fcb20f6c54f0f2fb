import type { BuildOptions, Plugin } from 'esbuild';

/** Docker's client brings clients of SSH and gRPC along: nothing uses them, and they would be most of what it loads. */
const leaveOut: Plugin = {
  name: 'leave out',
  setup: ({ onLoad }) => onLoad({ filter: /\/node_modules\/(ssh2|@grpc)\// }, () => ({ contents: '' })),
};

/** The options of all bundles of the program. */
export const bundling = {
  entryPoints: ['main.ts'],
  bundle: true,
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  plugins: [leaveOut],
} satisfies BuildOptions;
