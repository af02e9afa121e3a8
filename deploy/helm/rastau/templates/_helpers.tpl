{{- define "rastau.labels" -}}
app.kubernetes.io/name: rastau
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
{{- define "rastau.selector" -}}
app.kubernetes.io/name: rastau
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
