// Everything that the app needs on Azure, in one resource group, without a single key: docs/deploy.md explains it.
// Plain resources only, so that nothing has to be downloaded from a registry of modules to deploy or to read this.
targetScope = 'subscription'

// What azd asks for.

@description('Name of the azd environment. It names the resource group, and is part of the names of everything in it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region for everything. Flex Consumption is not available in all of them.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Where videos are rendered. The address of an OpenAI-style server up to and including its version (https://videos.example.com/v1), or resource-group/name of an Azure OpenAI resource you have, or the word new for a new one.')
@minLength(3)
param videoService string

@description('The model: on your own server its name there, on an Azure OpenAI resource you have the name of a deployment, for a new resource the name of a video model that Azure offers in that region.')
@minLength(1)
param videoModel string

// More about the video service.

@description('Key of your own server, if it asks for one. It goes into a key vault, and the app reads it from there with its identity. Azure OpenAI needs none.')
@secure()
param videoServiceKey string = ''

@description('Version of the model for a new Azure OpenAI resource. Empty: the one that Azure calls the default of that model.')
param azureOpenAIModelVersion string = ''

@description('Kind of deployment for a new Azure OpenAI resource, for example GlobalStandard or Standard, as the model is offered.')
param azureOpenAIDeploymentSku string = 'GlobalStandard'

@description('Capacity of the deployment for a new Azure OpenAI resource, in the units of the model\'s quota.')
@minValue(1)
param azureOpenAIDeploymentCapacity int = 1

// The app.

@description('Memory of an instance in megabytes. Videos are checked in a child process, for which 2048 is enough.')
@allowed([
  512
  2048
  4096
])
param instanceMemory int = 2048

@description('How many instances there may be at most. Renders wait for places at the video service, not for instances.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('How many requests an instance takes at once. Requests wait for storage, they hardly compute.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Instances kept running for HTTP, so that no caller waits for a cold start. They cost money while idle.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('Instances kept running for orchestrations and activities. They cost money while idle.')
@minValue(0)
param alwaysReadyDurable int = 0

@description('Origins whose pages may call the API from a browser, separated by commas: https://shop.example.com,https://www.example.com. Empty: none.')
param corsAllowedOrigins string = ''

@description('Who may call the job routes: function needs a key of the function app; anonymous needs none, for an app that has something in front of it.')
@allowed([
  'function'
  'anonymous'
])
param jobRoutesAuthLevel string = 'function'

@description('Other settings of the app by name, as in docs/settings.md. They come before those that this template makes up.')
param appSettings object = {}

// Videos.

@description('The container for videos and records.')
@minLength(3)
@maxLength(63)
param videoContainer string = 'sora-videos'

@description('Days that a video can be downloaded. The app removes it then.')
@minValue(1)
@maxValue(3650)
param videoRetentionDays int = 30

@description('Days after which storage itself removes a video that the app has left behind. It is never less than a month above videoRetentionDays.')
@minValue(1)
@maxValue(4000)
param videoSafetyNetDays int = 90

// Queues and events.

@description('Name of the queue that jobs come in by, for example video-jobs. It is made, and so is its queue for poison. Empty: no jobs by queue.')
@maxLength(56)
param jobsQueue string = ''

@description('Name of the queue that events go out by, for example video-events. It is made. Empty: no events by queue.')
@maxLength(63)
param eventsQueue string = ''

@description('Whether events go to an Event Grid topic, which is made.')
param eventGridTopic bool = false

// Durable Functions.

@description('Where orchestrations keep their state: storage is the storage account; scheduler is a Durable Task Scheduler, which is made. Jobs do not move from one to the other.')
@allowed([
  'storage'
  'scheduler'
])
param durableBackend string = 'storage'

@description('How the Durable Task Scheduler is paid: Consumption by use, Dedicated by the hour.')
@allowed([
  'Consumption'
  'Dedicated'
])
param schedulerSku string = 'Consumption'

@description('Capacity units of a Dedicated scheduler.')
@minValue(1)
param schedulerCapacity int = 1

// Telemetry.

@description('Where the app\'s own traces go: azure_monitor is Application Insights, console the log. Empty: nowhere. What the Functions host reports goes to Application Insights in any case.')
@allowed([
  'azure_monitor'
  'console'
  ''
])
param telemetry string = 'azure_monitor'

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

// Who deploys.

@description('Object id of whoever deploys; azd fills it in.')
param principalId string = ''

@description('What deploys: a person or an application; azd fills it in.')
@allowed([
  'User'
  'ServicePrincipal'
])
param principalType string = 'User'

@description('Whether whoever deploys may read videos and records, send jobs by queue and read events. The app needs none of that.')
param deployerAccess bool = false

// Names, and what follows from the parameters.

var tags = {
  'azd-env-name': environmentName
}
var token = toLower(uniqueString(subscription().id, environmentName, location))
var functionAppName = 'func-api-${token}'

var isOwnServer = startsWith(toLower(videoService), 'http')
var isNewAccount = toLower(videoService) == 'new'
var isKnownAccount = !(isOwnServer || isNewAccount)
var knownAccount = split(videoService, '/')
var hasKey = isOwnServer && !empty(videoServiceKey)
var usesScheduler = durableBackend == 'scheduler'
var deployerId = deployerAccess ? principalId : ''

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity './modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-api-${token}'
    location: location
    tags: tags
  }
}

module monitoring './modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    componentName: 'appi-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    appPrincipalId: identity.outputs.principalId
  }
}

module storage './modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    videoContainer: videoContainer
    videoSafetyNetDays: max(videoSafetyNetDays, videoRetentionDays + 31)
    jobsQueue: jobsQueue
    eventsQueue: eventsQueue
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: deployerId
    deployerPrincipalType: principalType
  }
}

module newAccount './modules/azure-openai.bicep' = if (isNewAccount) {
  name: 'azure-openai'
  scope: group
  params: {
    name: 'oai-${token}'
    location: location
    tags: tags
    modelName: videoModel
    modelVersion: azureOpenAIModelVersion
    deploymentSku: azureOpenAIDeploymentSku
    deploymentCapacity: azureOpenAIDeploymentCapacity
    appPrincipalId: identity.outputs.principalId
  }
}

module account './modules/azure-openai-access.bicep' = if (isKnownAccount) {
  name: 'azure-openai-access-${token}'
  scope: resourceGroup(isKnownAccount ? knownAccount[0] : group.name)
  params: {
    name: last(knownAccount)
    appPrincipalId: identity.outputs.principalId
  }
}

module vault './modules/key-vault.bicep' = if (hasKey) {
  name: 'key-vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    videoServiceKey: videoServiceKey
    appPrincipalId: identity.outputs.principalId
  }
}

module scheduler './modules/scheduler.bicep' = if (usesScheduler) {
  name: 'scheduler'
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    sku: schedulerSku
    capacity: schedulerCapacity
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: deployerId
    deployerPrincipalType: principalType
  }
}

module topic './modules/event-grid.bicep' = if (eventGridTopic) {
  name: 'event-grid'
  scope: group
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
  }
}

// A setting that is left empty counts as not set, to the app; those that the host or an SDK reads are left away instead.
var azureEndpoint = isNewAccount ? newAccount!.outputs.endpoint : (isKnownAccount ? account!.outputs.endpoint : '')

var appOwnSettings = {
  VIDEO_CONTAINER: videoContainer
  VIDEO_RETENTION_DAYS: string(videoRetentionDays)
  JOB_ROUTES_AUTH_LEVEL: jobRoutesAuthLevel
  AZURE_OPENAI_ENDPOINT: azureEndpoint
  AZURE_OPENAI_DEPLOYMENT: isOwnServer ? '' : videoModel
  OPENAI_BASE_URL: isOwnServer ? videoService : ''
  OPENAI_MODEL: isOwnServer ? videoModel : ''
  OPENAI_API_KEY: hasKey ? '@Microsoft.KeyVault(SecretUri=${vault!.outputs.secretUri})' : ''
  EVENTS_QUEUE: eventsQueue
  EVENTS_SOURCE: '/sora-video/${environmentName}'
  EVENTGRID_TOPIC_ENDPOINT: eventGridTopic ? topic!.outputs.endpoint : ''
  TELEMETRY: telemetry
}

var queueSettings = empty(jobsQueue) ? {} : {
  JOBS_QUEUE: jobsQueue
}

// host.json stays with Azure Storage, so that the local stack needs nothing else; these three override it for the app. What
// scales the app reads host.json alone (Azure/azure-functions-durable-extension, issues 2622 and 2803), and would wait for
// work in the storage account: so one instance for orchestrations is kept running.
var schedulerSettings = usesScheduler ? {
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${scheduler!.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}'
  AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
  AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
  AzureFunctionsJobHost__extensions__durableTask__hubName: scheduler!.outputs.taskHubName
} : {}

module api './modules/function-app.bicep' = {
  name: 'api'
  scope: group
  params: {
    name: functionAppName
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    applicationInsightsName: monitoring.outputs.componentName
    instanceMemory: instanceMemory
    maximumInstances: maximumInstances
    httpConcurrency: httpConcurrency
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyDurable: usesScheduler ? max(alwaysReadyDurable, 1) : alwaysReadyDurable
    corsAllowedOrigins: empty(corsAllowedOrigins) ? [] : split(replace(corsAllowedOrigins, ' ', ''), ',')
    settings: union(appOwnSettings, queueSettings, schedulerSettings, appSettings)
  }
}

@description('The region, as azd keeps it.')
output AZURE_LOCATION string = location

@description('The resource group that has everything in it.')
output AZURE_RESOURCE_GROUP string = group.name

@description('The API\'s address, without a slash at its end.')
output API_URL string = api.outputs.url

@description('The function app\'s name, which the commands of docs/deploy.md need.')
output FUNCTION_APP_NAME string = api.outputs.name

@description('The storage account\'s name.')
output STORAGE_ACCOUNT_NAME string = storage.outputs.name

@description('The Event Grid topic\'s resource id; empty without one.')
output EVENTGRID_TOPIC_ID string = eventGridTopic ? topic!.outputs.id : ''

@description('The Durable Task Scheduler\'s name; empty without one.')
output SCHEDULER_NAME string = usesScheduler ? scheduler!.outputs.name : ''
