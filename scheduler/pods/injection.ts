/**
 * Labels that prevent the injection of containers by service meshes and other injectors. The cleaner only uses a socket
 * on its node, so it does not need them. They would keep the pod running, or stop it before the cleaner begins.
 */
export const notInjectedLabels = {
  // istio.io, "Installing the Sidecar"; "Ambient mode: add workloads"
  'sidecar.istio.io/inject': 'false',
  'istio.io/dataplane-mode': 'none',
  // kuma.io, "Data plane proxy on Kubernetes"
  'kuma.io/sidecar-injection': 'disabled',
  // docs.datadoghq.com, "Datadog Admission Controller": also with mutateUnlabelled
  'admission.datadoghq.com/enabled': 'false',
} as const;
/** Annotations that prevent the injection of containers, as {@link notInjectedLabels} do. */
export const notInjectedAnnotations = {
  // Istio before 1.10 reads only the annotation, and so do Kuma's early versions.
  'sidecar.istio.io/inject': 'false',
  'kuma.io/sidecar-injection': 'disabled',
  // linkerd.io, "Automatic Proxy Injection"
  'linkerd.io/inject': 'disabled',
  // developer.hashicorp.com/consul, "Annotations and labels for Consul on Kubernetes"
  'consul.hashicorp.com/connect-inject': 'false',
  // docs.openservicemesh.io, "Sidecar Injection"
  'openservicemesh.io/sidecar-injection': 'disabled',
  // docs.aws.amazon.com/app-mesh, "Getting started with AWS App Mesh and Kubernetes"
  'appmesh.k8s.aws/sidecarInjectorWebhook': 'disabled',
  // docs.dapr.io, "Dapr arguments and annotations"
  'dapr.io/enabled': 'false',
  // opentelemetry.io, "Injecting Auto-instrumentation"; README of the operator, "Sidecar"
  'sidecar.opentelemetry.io/inject': 'false',
  'instrumentation.opentelemetry.io/inject-nodejs': 'false',
  // docs.dynatrace.com, "Annotate: opt out of injection"
  'dynatrace.com/inject': 'false',
  // developer.hashicorp.com/vault, "Vault Agent Injector annotations"
  'vault.hashicorp.com/agent-inject': 'false',
} as const;
