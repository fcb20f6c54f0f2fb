{{/* The image, by its digest or its tag. */}}
{{- define "nodesweep.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels of all objects: those of the chart outrank those of the values. */}}
{{- define "nodesweep.labels" -}}
{{- $own := dict
  "app.kubernetes.io/part-of" "nodesweep"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_")
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_")
-}}
{{- toYaml (merge $own .Values.labels) -}}
{{- end -}}

{{/* Labels that select the scheduler. They never change, because a Deployment does not let them. */}}
{{- define "nodesweep.selector" -}}
app.kubernetes.io/component: scheduler
app.kubernetes.io/name: nodesweep
{{- end -}}

{{/* Labels and annotations of an object: a list of the root, its own labels and its own annotations as YAML. */}}
{{- define "nodesweep.marks" -}}
{{- $root := index . 0 -}}
{{- $labels := merge (index . 1 | fromYaml) (include "nodesweep.labels" $root | fromYaml) -}}
{{- $annotations := merge (index . 2 | fromYaml) $root.Values.annotations -}}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Marks of an object that has none of its own. */}}
{{- define "nodesweep.commonMarks" -}}
{{- include "nodesweep.marks" (list . "" "") -}}
{{- end -}}

{{/* A value as text. Numbers of values are floats: as texts of Go they would be like 1e+06. */}}
{{- define "nodesweep.text" -}}
{{- if kindIs "string" . -}}
{{- . -}}
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}

{{/* A map as the scheduler reads it: key=value key=value. */}}
{{- define "nodesweep.pairs" -}}
{{- $words := list -}}
{{- range $key, $value := . -}}
{{- $words = append $words (printf "%s=%s" $key (include "nodesweep.text" $value)) -}}
{{- end -}}
{{- join " " $words -}}
{{- end -}}

{{/* Tolerations as the scheduler reads them: key=value:effect, key:effect or key. */}}
{{- define "nodesweep.taints" -}}
{{- $words := list -}}
{{- range . -}}
{{- $value := eq (default "Equal" .operator) "Equal" | ternary (printf "=%s" (default "" .value)) "" -}}
{{- $effect := empty .effect | ternary "" (printf ":%s" (default "" .effect)) -}}
{{- $words = append $words (printf "%s%s%s" .key $value $effect) -}}
{{- end -}}
{{- join " " $words -}}
{{- end -}}

{{/* The names under which browsers may ask for the status page. */}}
{{- define "nodesweep.pageHosts" -}}
{{- $service := "nodesweep-page" -}}
{{- $local := printf "%s.%s" $service .Release.Namespace -}}
{{- join " " (concat (list $service $local (printf "%s.svc" $local)) .Values.statusPage.hosts) -}}
{{- end -}}

{{/* The settings of the scheduler that differ from its defaults, as a map. */}}
{{- define "nodesweep.settings" -}}
{{- $cleaner := .Values.cleaner -}}
{{- $texts := dict
  "NODESWEEP_IMAGE_PULL_SECRETS" (join " " .Values.image.pullSecrets)
  "NODESWEEP_LIMITS" (include "nodesweep.pairs" $cleaner.resources.limits)
  "NODESWEEP_POD_ANNOTATIONS" (include "nodesweep.pairs" $cleaner.podAnnotations)
  "NODESWEEP_POD_LABELS" (include "nodesweep.pairs" $cleaner.podLabels)
  "NODESWEEP_REQUESTS" (include "nodesweep.pairs" $cleaner.resources.requests)
  "NODESWEEP_SELINUX_TYPE" $cleaner.seLinuxType
  "NODESWEEP_SOCKETS" (join " " $cleaner.sockets)
  "NODESWEEP_STATE_DIRECTORIES" (join " " $cleaner.stateDirectories)
  "NODESWEEP_TOLERATIONS" (include "nodesweep.taints" $cleaner.tolerations)
  "NODESWEEP_WORKLOAD_RESOURCES" (join " " .Values.workloadResources)
-}}
{{- $settings := dict "NODESWEEP_SERVICE_ACCOUNT" "nodesweep-cleaner" -}}
{{- range $name, $text := $texts -}}
{{- if $text -}}
{{- $_ := set $settings $name $text -}}
{{- end -}}
{{- end -}}
{{- if .Values.statusPage.enabled -}}
{{- $_ := set $settings "NODESWEEP_PAGE_ADDRESS" "0.0.0.0" -}}
{{- $_ := set $settings "NODESWEEP_PAGE_HOSTS" (include "nodesweep.pageHosts" .) -}}
{{- end -}}
{{- if .Values.notifications.enabled -}}
{{- $_ := set $settings "NODESWEEP_NOTIFY_URL_FILE" "/etc/nodesweep/notifications/url" -}}
{{- $_ := set $settings "NODESWEEP_NOTIFY_FORMAT" .Values.notifications.format -}}
{{- with .Values.notifications.cluster -}}
{{- $_ := set $settings "NODESWEEP_NOTIFY_CLUSTER" . -}}
{{- end -}}
{{- end -}}
{{- if .Values.registryCheck.enabled -}}
{{- $_ := set $settings "NODESWEEP_REGISTRY_CHECK" "true" -}}
{{- $_ := set $settings "NODESWEEP_REGISTRY_SECRETS" "/etc/nodesweep/registries/config.json" -}}
{{- end -}}
{{- if ne $cleaner.priorityClassName "nodesweep-cleaner" -}}
{{- $_ := set $settings "NODESWEEP_PRIORITY_CLASS" $cleaner.priorityClassName -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
{{- $_ := set $settings $name (include "nodesweep.text" $value) -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* The nodes of a policy or of a list: its own, narrowed by the labels that all policies of the chart need. A list of both. */}}
{{- define "nodesweep.nodes" -}}
{{- $nodes := index . 0 | default dict -}}
{{- $selector := index . 1 -}}
{{- $labels := deepCopy ($nodes.matchLabels | default dict) -}}
{{- range $key, $value := $selector -}}
{{- if ne (get $labels $key | default $value) $value -}}
{{- fail (printf "cleaner.nodeSelector wants %s=%s, and a policy wants %s=%s: no node has both" $key $value $key (get $labels $key)) -}}
{{- end -}}
{{- $_ := set $labels $key $value -}}
{{- end -}}
{{- toYaml (merge (dict "matchLabels" $labels) $nodes) -}}
{{- end -}}

{{/* A document of a policy as text. A list of the document and the labels that its nodes need; a text without them stays as it is. */}}
{{- define "nodesweep.document" -}}
{{- $given := index . 0 -}}
{{- $selector := index . 1 -}}
{{- if and (kindIs "string" $given) (not $selector) -}}
{{- $given -}}
{{- else -}}
{{- $document := kindIs "string" $given | ternary (toString $given | fromYaml) $given | deepCopy -}}
{{- with $document.Error -}}
{{- fail (printf "a policy is no YAML document: %s" .) -}}
{{- end -}}
{{- if and $selector $document.lists -}}
{{- range $document.lists -}}
{{- $_ := set . "nodes" (include "nodesweep.nodes" (list .nodes $selector) | fromYaml) -}}
{{- end -}}
{{- else if $selector -}}
{{- $_ := set $document "nodes" (include "nodesweep.nodes" (list $document.nodes $selector) | fromYaml) -}}
{{- end -}}
{{- toYaml $document -}}
{{- end -}}
{{- end -}}

{{/* Labels of the scheduler's pods. The version of the chart is not among them: it alone must not restart the scheduler. */}}
{{- define "nodesweep.podLabels" -}}
{{- $common := omit (include "nodesweep.labels" . | fromYaml) "helm.sh/chart" "app.kubernetes.io/managed-by" -}}
{{- toYaml (merge $common .Values.scheduler.podLabels) -}}
{{- end -}}
