<%@ page contentType="text/plain; version=0.0.4; charset=utf-8" session="false" buffer="64kb" import="java.io.IOException,java.lang.management.ManagementFactory,java.net.URI,java.nio.charset.StandardCharsets,javax.management.ObjectName" %><%@ include file="/WEB-INF/counts.jspf" %><%
  // What Prometheus scrapes: what the pages count, what is in Tomcat now, then what the JMX exporter says of it and of the JVM.
  int users = Integer.getInteger("users.port", 8080);
  if (request.getLocalPort() == users) {
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
  var beans = ManagementFactory.getPlatformMBeanServer();
  var pool = new ObjectName("Catalina:type=Executor,name=users");
  int queued = (Integer) beans.getAttribute(pool, "queueSize"), active = (Integer) beans.getAttribute(pool, "activeCount");
  text.append("# HELP http_requests_queued Requests in flight that wait for a thread.\n# TYPE http_requests_queued gauge\n");
  text.append("http_requests_queued " + queued + "\n");
  text.append("# HELP http_requests_in_flight Requests that have a thread or wait for one.\n# TYPE http_requests_in_flight gauge\n");
  text.append("http_requests_in_flight " + (active + queued) + "\n");
  // Tomcat counts the connection that it waits for with those that are open.
  long connections = (Long) beans.getAttribute(new ObjectName("Catalina:type=ThreadPool,name=\"http-nio-" + users + "\""), "connectionCount") - 1;
  text.append("# HELP http_connections_active Open connections, idle ones included.\n# TYPE http_connections_active gauge\n");
  text.append("http_connections_active " + Math.max(connections, 0) + "\n");
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
