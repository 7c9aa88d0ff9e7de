<%@ page contentType="text/plain" session="false" import="java.lang.management.ManagementFactory" %><%@ include file="/WEB-INF/counts.jspf" %><%!
  // The application that hindcast simulates unless it is told otherwise: some milliseconds
  // of CPU, then a wait, as for a database.
  static long millis(String value, long otherwise) {
    return value == null ? otherwise : Math.max(0, Math.min(1000, Long.parseLong(value)));
  }
%><%
  long began = System.nanoTime();
  int code = 500; // what Tomcat answers where this throws
  try {
    var threads = ManagementFactory.getThreadMXBean();
    long end = threads.getCurrentThreadCpuTime() + millis(request.getParameter("cpu"), 5) * 1_000_000;
    double x = 1;
    while (threads.getCurrentThreadCpuTime() < end) {
      for (int i = 0; i < 1000; i++) x = Math.sin(x) + 1;
    }
    Thread.sleep(millis(request.getParameter("wait"), 20));
    out.print("done " + x);
    code = 200;
  } finally {
    count(application, code, System.nanoTime() - began);
  }
%>
