{{- define "veritrail.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "veritrail.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "veritrail.selectorLabels" . }}
{{- end }}

{{- define "veritrail.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "veritrail.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "veritrail.baseUrl" -}}
{{ .Values.baseUrl | default (printf "https://%s" .Values.host) }}
{{- end }}

{{/* A setting's value as text: large numbers without an exponent. */}}
{{- define "veritrail.text" -}}
{{ if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end }}
{{- end }}

{{/* What the service is told that is no secret, by the names of its environment variables. */}}
{{- define "veritrail.settings" -}}
VERITRAIL_HTTP__LISTEN: "0.0.0.0:8080"
VERITRAIL_HTTP__ADMIN_LISTEN: "0.0.0.0:8081"
VERITRAIL_HTTP__BASE_URL: {{ include "veritrail.baseUrl" . | quote }}
VERITRAIL_HTTP__ORIGIN: {{ .Values.origin | default .Values.host | quote }}
VERITRAIL_STORAGE__DATA_DIR: /var/lib/veritrail
{{- if .Values.autoscaling.enabled }}
VERITRAIL_REDIS__REPLICAS: {{ include "veritrail.text" .Values.autoscaling.maxReplicas | quote }}
{{- else }}
VERITRAIL_REDIS__REPLICAS: {{ include "veritrail.text" .Values.replicas | quote }}
{{- end }}
{{- if .Values.caConfigMap }}
SSL_CERT_FILE: /etc/veritrail/ca/ca.crt
{{- end }}
{{- if .Values.tls.existingSecret }}
VERITRAIL_HTTP__TLS_CERTIFICATE: /etc/veritrail/tls/tls.crt
VERITRAIL_HTTP__TLS_KEY: /etc/veritrail/tls/tls.key
{{- end }}
{{- range $section, $keys := .Values.config }}
{{- range $key, $value := $keys }}
VERITRAIL_{{ upper $section }}__{{ upper $key }}: {{ include "veritrail.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "veritrail.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "veritrail.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A variable out of a Secret: a list of the variable, the Secret's name and the key in it. */}}
{{- define "veritrail.secret" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}

{{/* A rule of a NetworkPolicy: a port, and where it may lead. */}}
{{- define "veritrail.egress" -}}
- ports:
    - {port: {{ include "veritrail.text" .port }}, protocol: TCP}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "veritrail.dns" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
  to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: kube-system}
    # Where a cache on each node answers.
    - ipBlock: {cidr: 169.254.20.10/32}
{{- end }}

{{/* The metrics of this release alone. */}}
{{- define "veritrail.series" -}}
namespace="{{ .Release.Namespace }}",job="{{ include "veritrail.fullname" . }}-admin"
{{- end }}
