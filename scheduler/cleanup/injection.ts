/**
 * Labels and annotations by which service meshes and other injectors leave a pod alone. A proxy beside the cleaner is of
 * no use, since the cleaner talks to a socket on its node only, and it would keep the pod running.
 */
export const notInjectedLabels = {
  'sidecar.istio.io/inject': 'false',
  'istio.io/dataplane-mode': 'none',
  'kuma.io/sidecar-injection': 'disabled',
} as const;
export const notInjectedAnnotations = {
  'sidecar.istio.io/inject': 'false',
  'linkerd.io/inject': 'disabled',
  'consul.hashicorp.com/connect-inject': 'false',
  'kuma.io/sidecar-injection': 'disabled',
  'dapr.io/enabled': 'false',
  'sidecar.opentelemetry.io/inject': 'false',
  'instrumentation.opentelemetry.io/inject-nodejs': 'false',
} as const;
