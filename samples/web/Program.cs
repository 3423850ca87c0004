using FalconMamba.Samples.Web;
using Microsoft.Extensions.AI;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddFalconMamba(options => options.Model = builder.Configuration["model"] ?? "shakespeare-4m");
builder.Services.AddSingleton<AnswerEvents>();
// The address of a request holds what the user says, and the framework would log it.
builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
var app = builder.Build();

// The model is loaded when it is first asked for: here, rather than while the first browser waits.
app.Services.GetRequiredService<IChatClient>();
app.MapGet("/", () => Results.Stream(typeof(AnswerEvents).Assembly.GetManifestResourceStream("page.html")!, "text/html; charset=utf-8"));
app.MapGet("/chat", (string message, AnswerEvents events, CancellationToken browserLeft) => TypedResults.ServerSentEvents(events.Answer(message, browserLeft)));
app.Run();
