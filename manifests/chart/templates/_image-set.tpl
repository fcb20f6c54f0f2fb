{{/*
The objects of a producer of an image set: a dict of `root`, the `kind` of the source, the `values` of the producer, the words of
its command in `args`, and `hasMemory`. The files of the Secret are in /etc/nodesweep/source.
*/}}
{{- define "nodesweep.imageSet" -}}
{{- $root := .root -}}
{{- $name := printf "nodesweep-set-%s" .kind -}}
{{- $selector := printf "app.kubernetes.io/name: nodesweep\napp.kubernetes.io/component: image-set-%s" .kind -}}
# The set, without content: the producer fills it, and has no right to create ConfigMaps, because RBAC can't limit this to a name.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .values.name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "nodesweep.marks" (list $root "nodesweep.io/kind: image-set" "") | nindent 2 }}
{{- if .hasMemory }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .values.name }}-memory
  namespace: {{ $root.Release.Namespace }}
  {{- include "nodesweep.marks" (list $root "nodesweep.io/kind: image-set-memory" "") | nindent 2 }}
{{- end }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "nodesweep.commonMarks" $root | nindent 2 }}
---
# The producer can read and replace its set, and nothing else.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "nodesweep.commonMarks" $root | nindent 2 }}
rules:
  - apiGroups: [""]
    resources: [configmaps]
    resourceNames: [{{ .values.name | quote }}, {{ printf "%s-memory" .values.name | quote }}]
    verbs: [get, update]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "nodesweep.commonMarks" $root | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ $root.Release.Namespace }}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "nodesweep.marks" (list $root $selector "") | nindent 2 }}
spec:
  schedule: {{ .values.schedule | quote }}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 600
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    metadata:
      {{- $common := omit (include "nodesweep.labels" $root | fromYaml) "helm.sh/chart" "app.kubernetes.io/managed-by" }}
      labels:
        {{- toYaml $common | nindent 8 }}
    spec:
      backoffLimit: 2
      # Longer than --timeout, so that the command itself says why it gives up.
      activeDeadlineSeconds: 900
      template:
        metadata:
          labels:
            {{- toYaml (merge (fromYaml $selector) $common) | nindent 12 }}
        spec:
          serviceAccountName: {{ $name }}
          {{- with $root.Values.image.pullSecrets }}
          imagePullSecrets:
            {{- range . }}
            - name: {{ . | quote }}
            {{- end }}
          {{- end }}
          restartPolicy: Never
          enableServiceLinks: false
          nodeSelector:
            {{- toYaml (merge (dict "kubernetes.io/os" "linux") $root.Values.imageSets.nodeSelector) | nindent 12 }}
          {{- with $root.Values.imageSets.tolerations }}
          tolerations:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext:
            # The user of the image is not root.
            runAsNonRoot: true
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: producer
              image: {{ include "nodesweep.image" $root | quote }}
              imagePullPolicy: {{ $root.Values.image.pullPolicy }}
              args:
                {{- range .args }}
                - {{ . | quote }}
                {{- end }}
                {{- range .values.args }}
                - {{ . | quote }}
                {{- end }}
              env:
                - name: NODESWEEP_NAMESPACE
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.namespace
                {{- with $root.Values.imageSets.env }}
                {{- toYaml . | nindent 16 }}
                {{- end }}
              resources:
                {{- toYaml $root.Values.imageSets.resources | nindent 16 }}
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop: [ALL]
              {{- if .values.secretName }}
              volumeMounts:
                - name: source
                  mountPath: /etc/nodesweep/source
                  readOnly: true
              {{- end }}
          {{- with .values.secretName }}
          volumes:
            - name: source
              secret:
                secretName: {{ . | quote }}
                optional: true
          {{- end }}
{{- if $root.Values.networkPolicy.enabled }}
---
# All other traffic from the namespace stays denied.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: image-set-{{ .kind }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "nodesweep.commonMarks" $root | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- $selector | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    # The source, and the API server, whose address differs between clusters.
    - ports:
        {{- range (concat (.values.ports | default list) $root.Values.networkPolicy.apiServerPorts) | uniq }}
        - port: {{ . }}
        {{- end }}
    - ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
{{- end }}
{{- if $root.Values.imageSets.guard }}
---
# The producer reads from outside. It must not make a policy of its set, and RBAC can't express this. Other users are not affected.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name }}
  {{- include "nodesweep.commonMarks" $root | nindent 2 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [UPDATE]
        resources: [configmaps]
  matchConditions:
    - name: is-the-producer
      expression: >-
        request.userInfo.username.startsWith("system:serviceaccount:") &&
        request.userInfo.username.endsWith(":{{ $name }}")
  validations:
    - expression: >-
        object.metadata.?labels[?"nodesweep.io/kind"].orValue("") ==
        oldObject.metadata.?labels[?"nodesweep.io/kind"].orValue("")
      message: a producer of image sets may not change the label nodesweep.io/kind
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  {{- include "nodesweep.commonMarks" $root | nindent 2 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end }}
{{- end -}}
