{{- define "mandate.labels" -}}
app.kubernetes.io/name: mandate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "mandate.selector" -}}
app.kubernetes.io/name: mandate
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{/* A Deployment of processes with one role. */}}
{{- define "mandate.deployment" -}}
{{- $values := index .root.Values .role -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .root.Release.Name }}-{{ .role }}
  labels:
    {{- include "mandate.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  replicas: {{ $values.replicas }}
  selector:
    matchLabels:
      {{- include "mandate.selector" . | nindent 6 }}
  strategy:
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  template:
    metadata:
      labels:
        {{- include "mandate.selector" . | nindent 8 }}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "6263"
        prometheus.io/path: /metrics
    spec:
      automountServiceAccountToken: false
      # Kubernetes' variables about a service named mandate would be unknown settings of ours.
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      {{- with .root.Values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile: {type: RuntimeDefault}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "mandate.selector" . | nindent 14 }}
      containers:
        - name: mandate
          image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          env:
            - name: MANDATE_ROLES
              value: {{ .role }}
            - name: MANDATE_ADMIN_EMAIL
              value: {{ .root.Values.adminEmail | quote }}
            {{- with .root.Values.publicUrl }}
            - name: MANDATE_HTTP_PUBLIC_URL
              value: {{ . | quote }}
            {{- end }}
            {{- if .root.Values.files.existingClaim }}
            - name: MANDATE_FILES_FOLDER
              value: /var/lib/mandate-files
            {{- end }}
            {{- range $name, $value := .root.Values.settings }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
          envFrom:
            - secretRef:
                name: {{ required "existingSecret must name a Secret" .root.Values.existingSecret }}
          ports:
            - {name: http, containerPort: 6263}
          # The first start migrates the database.
          startupProbe:
            httpGet: {path: /health, port: http}
            periodSeconds: 2
            failureThreshold: 90
          readinessProbe:
            httpGet: {path: /health, port: http}
            periodSeconds: 5
            timeoutSeconds: 5
          # Not /health: a restart brings no database back.
          livenessProbe:
            tcpSocket: {port: http}
            periodSeconds: 10
            failureThreshold: 6
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: data, mountPath: /var/lib/mandate}
            - {name: tmp, mountPath: /tmp}
            {{- if .root.Values.files.existingClaim }}
            - {name: files, mountPath: /var/lib/mandate-files}
            {{- end }}
      volumes:
        - name: data
          emptyDir: {sizeLimit: 1Gi}
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
        {{- with .root.Values.files.existingClaim }}
        - name: files
          persistentVolumeClaim: {claimName: {{ . | quote }}}
        {{- end }}
      {{- with .root.Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}
