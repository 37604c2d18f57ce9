{{- define "deskhand.name" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) }}
{{- $name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "deskhand.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "deskhand.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "deskhand.selector" . }}
{{- end }}

{{- define "deskhand.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "deskhand.secret" -}}
{{- .Values.existingSecret | default (printf "%s-secrets" (include "deskhand.name" .)) }}
{{- end }}

{{- /* Of the pod and its container: no rights, nothing to write to but what is mounted. */}}
{{- define "deskhand.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "deskhand.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "deskhand.environment" -}}
- name: DESKHAND_ENVIRONMENT
  value: production
- name: DESKHAND_API_HOST
  value: 0.0.0.0
- name: DESKHAND_API_PORT
  value: "8080"
- name: DESKHAND_DATA_DIR
  value: /data
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- $secret := include "deskhand.secret" . }}
{{- range $name, $key := dict "DESKHAND_DATABASE_URL" "database-url" "DESKHAND_SECRET_KEY" "secret-key" "DESKHAND_ADMIN_API_KEY" "admin-api-key" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ $key }}
{{- end }}
{{- range $name, $key := dict
  "DESKHAND_REDIS_URL" "redis-url"
  "DESKHAND_MODEL_API_KEY" "model-api-key"
  "DESKHAND_REDIS_ENCRYPTION_KEYS" "redis-encryption-keys"
  "DESKHAND_BACKUP_ENCRYPTION_KEYS" "backup-encryption-keys"
  "DESKHAND_OIDC_CLIENT_SECRET" "oidc-client-secret"
  "DESKHAND_WIDGET_SECRET" "widget-secret"
}}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ $key }}
      optional: true
{{- end }}
{{- end }}

{{- define "deskhand.mounts" -}}
- name: data
  mountPath: /data
- name: temporary
  mountPath: /tmp
{{- end }}

{{- define "deskhand.volumes" -}}
- name: data
  emptyDir:
    sizeLimit: {{ .Values.storage.data }}
- name: temporary
  emptyDir:
    sizeLimit: {{ .Values.storage.temporary }}
{{- end }}
