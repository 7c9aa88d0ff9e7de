<%@ page contentType="text/plain; version=0.0.4; charset=utf-8" session="false" buffer="64kb" import="java.io.IOException,java.net.URI,java.nio.charset.StandardCharsets" %><%@ include file="/WEB-INF/counts.jspf" %><%
  // What Prometheus scrapes: what the pages count, then what the JMX exporter says of Tomcat and of the JVM.
  if (request.getLocalPort() == Integer.getInteger("users.port", 8080)) {
    response.sendError(404);
    return;
  }
  var counts = counts(application);
  var text = new StringBuilder("# HELP http_requests_total Requests answered, by status code.\n# TYPE http_requests_total counter\n");
  for (int i = 0; i < CODES.length; i++) {
    text.append("http_requests_total{code=\"" + CODES[i] + "\"} " + counts[BOUNDS.length + 2 + i].sum() + "\n");
  }
  text.append("# HELP http_request_duration_seconds How long the page took.\n# TYPE http_request_duration_seconds histogram\n");
  long within = 0;
  for (int i = 0; i <= BOUNDS.length; i++) {
    within += counts[i].sum();
    String bound = i == BOUNDS.length ? "+Inf" : String.valueOf(BOUNDS[i]).replaceAll("\\.0$", "");
    text.append("http_request_duration_seconds_bucket{le=\"" + bound + "\"} " + within + "\n");
  }
  text.append("http_request_duration_seconds_sum " + counts[BOUNDS.length + 1].sum() / 1e9 + "\n");
  text.append("http_request_duration_seconds_count " + within + "\n");
  var jmx = URI.create("http://localhost:" + Integer.getInteger("jmx.port", 9405) + "/metrics").toURL().openConnection();
  jmx.setConnectTimeout(1000);
  jmx.setReadTimeout(5000);
  try (var body = jmx.getInputStream()) {
    text.append(new String(body.readAllBytes(), StandardCharsets.UTF_8));
  } catch (IOException e) {
    text.append("# The JMX exporter does not answer: " + e.getMessage().replace('\n', ' ') + "\n");
  }
  out.clear();
  out.print(text);
%>
