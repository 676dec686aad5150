{{- /* Every section of every page: title of the page, of the section, URL below the root, text. */ -}}
{{- $sections := slice -}}
{{- range where site.Pages "File" "ne" nil -}}
  {{- $page := partial "title.html" . -}}
  {{- $url := strings.TrimPrefix "/" .RelPermalink -}}
  {{- range $i, $part := split .Content "<h2 " -}}
    {{- $id := "" -}}{{- $title := "" -}}
    {{- if $i -}}
      {{- range findRESubmatch `^id="?([^" >]*)"?>((?s).*?)(?: <a class="?anchor|</h2>)` $part 1 -}}
        {{- $id = index . 1 -}}{{- $title = index . 2 | plainify | htmlUnescape -}}
      {{- end -}}
      {{- $part = replaceRE `^(?s).*?</h2>` "" $part 1 -}}
    {{- else -}}
      {{- $part = replaceRE `^(?s).*?</h1>` "" $part 1 -}}
    {{- end -}}
    {{- $text := $part | plainify | htmlUnescape -}}
    {{- $text = replaceRE `\s+` " " $text -}}
    {{- $sections = $sections | append (dict "page" $page "title" $title "url" (cond (eq $id "") $url (printf "%s#%s" $url $id)) "text" $text) -}}
  {{- end -}}
{{- end -}}
window.searchIndex = {{ $sections | jsonify }};
